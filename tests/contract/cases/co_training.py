"""Contract cases of co_training."""

import torch

from tests.contract.case import LossCase

# Of another view, for the same four images and five classes
OTHER = torch.randn(4, 5, generator=torch.Generator().manual_seed(99))

LOSSES = {
    'JensenShannonLoss': LossCase({}, (4, 5), OTHER),
    'ViewDifferenceLoss': LossCase({}, (4, 5), OTHER),
}
