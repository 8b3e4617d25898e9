"""Contract cases of bag_of_tricks."""

import numpy as np
import torch

from tests.contract.case import (
    IMAGE,
    MAPS,
    AugmentCase,
    HookCase,
    LossCase,
    ModelCase,
    SamplerCase,
    SchedulerCase,
    TransformCase,
)
from tests.contract.samples import picture

MODELS = {
    # The published network's backbone: 269722 less the 10 * 64 + 10 of its last layer
    'CifarResNet': ModelCase(dict(depth=20), [(2, 3, 32, 32)], [(2, 64, 8, 8)], 269_072),
    # The student only
    'DistillationClassifier': ModelCase(
        dict(
            backbone=dict(type='mmvisx.CifarResNet', depth=20),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
            teacher=dict(type='ImageClassifier'),
            teacher_checkpoint='read when training starts',
        ),
        [(2, 3, 32, 32)],
        [(2, 10)],
        269_722,
    ),
    # Two students
    'EnsembleClassifier': ModelCase(
        dict(
            members=[
                dict(
                    type='ImageClassifier',
                    backbone=dict(type='mmvisx.CifarResNet', depth=20),
                    neck=dict(type='GlobalAveragePooling'),
                    head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
                )
            ]
            * 2
        ),
        [(2, 3, 32, 32)],
        [(2, 10)],
        2 * 269_722,
    ),
    # As mmpretrain's ResNetV1d with the same arguments
    'ResNetTweak': ModelCase(
        dict(base_channels=8, stem_channels=8, out_indices=(0, 1, 2, 3)), [IMAGE], MAPS, 373_532
    ),
    # Three bottlenecks of 64 channels inside, 256 outside, with 128 at the entrance
    'ResNetTweakStage': ModelCase(
        dict(base_channels=8, stem_channels=8, norm_eval=False),
        [(2, 128, 8, 12)],
        [(2, 256, 4, 6)],
        (128 * 64 + 9 * 64**2 + 64 * 256 + 128 * 256 + 4 * 64 + 4 * 256)
        + 2 * (256 * 64 + 9 * 64**2 + 64 * 256 + 4 * 64 + 2 * 256),
    ),
    # 470,072 as published, without 1,000 classes
    'MobileNetV1': ModelCase(dict(widen_factor=0.25), [IMAGE], [MAPS[-1]], 470_072 - 1000 * 257),
    # GoogLeNet's first convolutions and inception block
    'TorchvisionFeatures': ModelCase(
        dict(
            name='googlenet',
            layers=['inception3a'],
            arguments=dict(aux_logits=False, init_weights=False),
        ),
        [IMAGE],
        [(2, 256, 8, 12)],
        (9_408 + 128 + 4_096 + 128 + 110_592 + 384) + 155_872,
    ),
}


LOSSES = {
    'LabelSmoothLoss': LossCase(
        dict(label_smooth_val=0.1, num_classes=5), (4, 5), torch.tensor([0, 3, 4, 1])
    ),
}


def photo(folder):
    """An image of three channels."""
    return dict(img_path='0.jpg', img=picture())


TRANSFORMS = {
    'HSVJitter': TransformCase({}, photo, frozenset({'img'})),
    'PCANoise': TransformCase({}, photo, frozenset({'img'})),
}

HOOKS = {
    'UpdateRatioHook': HookCase(dict(interval=1)),
    'ClassWeightHook': HookCase(settings={'model.head.loss': dict(type='mmvisx.LabelSmoothLoss')}),
}

# Five images of the class 0, two of 1, one of 2
SAMPLERS = {
    'ClassBalancedSampler': SamplerCase({}, np.array([0, 0, 1, 0, 2, 0, 1, 0]), 15),
}
AUGMENTS = {'MirrorMixup': AugmentCase(dict(alpha=0.2))}
# One part in ten of the rate, two, three ... until it is whole
SCHEDULERS = {
    'LinearWarmupLR': SchedulerCase(
        dict(begin=0, end=10, by_epoch=False), [0.1 * k for k in range(1, 11)] + [1.0] * 3
    ),
}
