"""Contract cases of detection_freebies."""

import torch

from tests.contract.case import HookCase, LossCase, ModelCase, TransformCase
from tests.contract.samples import box_sample

MODELS = {
    # On each of three levels a 3x3 convolution with its norm, and a 1x1 one to 3 * (5 + 3)
    'SizeWeightedYOLOV3Head': ModelCase(
        dict(num_classes=3, in_channels=(8, 8, 8), out_channels=(8, 8, 8)),
        [[(2, 8, 3, 4), (2, 8, 6, 8), (2, 8, 12, 16)]],
        [(2, 24, 3, 4), (2, 24, 6, 8), (2, 24, 12, 16)],
        3 * (9 * 64 + 2 * 8 + 8 * 24 + 24),
    ),
}


LOSSES = {
    'SmoothedCrossEntropyLoss': LossCase({}, (4, 5), torch.tensor([0, 3, 4, 1])),
    'SmoothedSigmoidLoss': LossCase({}, (3, 5), torch.eye(5)[:3]),
}


def mixed_sample(folder):
    """An image and its partner."""
    return dict(box_sample(folder), mix_results=[box_sample(folder, seed=1)])


TRANSFORMS = {
    # Unweighted, because nothing in a test listens to weights
    'DetectionMixUp': TransformCase(
        dict(weighted=False),
        mixed_sample,
        frozenset(
            {'img', 'gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags', 'mix_results'}
            | {'mixup_ratio', 'mixup_partner', 'gt_bboxes_weights'}
        ),
    ),
    'PackDetInputs': TransformCase(dict(meta_keys=('img_id', 'img_shape')), box_sample, packs=True),
}

HOOKS = {
    # The heads' losses read weights from then on.
    'BoxWeightsHook': HookCase(training='detector', changes_model=True),
    'MixUpSwitchHook': HookCase(dict(num_last_epochs=1), training='mixed detector'),
}
