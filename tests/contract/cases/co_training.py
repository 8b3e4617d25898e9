"""Contract cases of co_training."""

import torch

from tests.contract.case import BatchSamplerCase, DatasetCase, LossCase
from tests.helpers.semi_supervised import image_folder, write_images

# Of another view, for the same four images and five classes
OTHER = torch.randn(4, 5, generator=torch.Generator().manual_seed(99))

LOSSES = {
    'JensenShannonLoss': LossCase({}, (4, 5), OTHER),
    'ViewDifferenceLoss': LossCase({}, (4, 5), OTHER),
}


def partly_labelled(folder):
    """Nine images of three classes, one of each labelled."""
    images = write_images(folder / 'train', each=3)
    return dict(dataset=image_folder(images, pipeline=[]), labelled=1)


DATASETS = {'SemiSupervised': DatasetCase(partly_labelled, 9, ('a', 'b', 'c'))}

# Three steps of (1 + 1 + 4 or 5) images for two pairs
BATCH_SAMPLERS = {
    'BundleBatchSampler': BatchSamplerCase(dict(batch_size=6, bundles=2), 4, 14, [12, 14, 18])
}
