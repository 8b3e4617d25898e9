"""Small co-trained classifiers."""

import torch
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from mmpretrain.structures import DataSample
from torch import nn

from mmvisx.models.classifiers import CoTrainingClassifier

MEAN, STD = [120.0, 110.0, 100.0], [60.0, 50.0, 40.0]


@MMPRETRAIN_MODELS.register_module(force=True)
class Flat(nn.Module):
    """A backbone that only flattens."""

    def forward(self, x):
        """Return ``(N, C * H * W)``."""
        return (x.flatten(1),)


def linear(classes=5):
    """Config of a linear classifier of images of 3x2x2."""
    return dict(
        type='ImageClassifier',
        backbone=dict(type='Flat'),
        head=dict(type='LinearClsHead', num_classes=classes, in_channels=12),
    )


def convolutional(classes=5, channels=6):
    """Config of a small network with batch norm, for images of 3 channels."""
    return dict(
        type='ImageClassifier',
        backbone=dict(type='mmvisx.CifarResNet', base_channels=channels, stem_channels=channels),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=classes, in_channels=4 * channels),
    )


def co_training(views=2, view=None, kind=CoTrainingClassifier, **options):
    """Return a classifier in float64 with normalised images."""
    torch.manual_seed(0)
    views = [view or linear() for _ in range(views)] if isinstance(views, int) else views
    preprocessor = dict(mean=MEAN, std=STD)
    model = kind(views, data_preprocessor=preprocessor, **options).double()
    for parameter in model.parameters():
        if parameter.dim() < 4:
            nn.init.normal_(parameter, 0, 0.3)
    return model.train()


def batch_of(bundles=1, b=3, m=4, size=2, classes=5):
    """Return images ``[b_1, b_2, b_u]`` of every bundle, and samples with their labels."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(
        bundles * (2 * b + m), 3, size, size, dtype=torch.float64, generator=generator
    )
    known = torch.randint(0, classes, (bundles, 2 * b), generator=generator)
    labels = torch.cat([known, torch.full((bundles, m), -1)], dim=1).flatten()
    return images, [DataSample().set_gt_label(label) for label in labels]
