"""Contract cases of co_training."""

import numpy as np
import torch
from mmpretrain.structures import DataSample
from scipy.io import savemat

from tests.contract.case import (
    BatchSamplerCase,
    DatasetCase,
    HookCase,
    LossCase,
    MetricCase,
    ModelCase,
)
from tests.contract.samples import SEG_CLASSES, SIZE, label_map
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


def labelled_twice(folder):
    """Two labelled images of each class, twice."""
    return partly_labelled(folder) | dict(labelled=2, times=2)


def house_numbers(folder):
    """Five images of SVHN."""
    digits = np.array([[3], [10], [1], [1], [9]], np.uint8)
    images = np.random.default_rng(0).integers(0, 255, (32, 32, 3, 5), np.uint8)
    savemat(folder / 'train_32x32.mat', dict(X=images, y=digits))
    return dict(data_root=str(folder), pipeline=[])


DATASETS = {
    'LabelledImages': DatasetCase(labelled_twice, 12, ('a', 'b', 'c')),
    'SVHN': DatasetCase(house_numbers, 5, tuple('0123456789')),
    'SemiSupervised': DatasetCase(partly_labelled, 9, ('a', 'b', 'c')),
}

# Three steps of (1 + 1 + 4 or 5) images for two pairs
BATCH_SAMPLERS = {
    'BundleBatchSampler': BatchSamplerCase(dict(batch_size=6, bundles=2), 4, 14, [12, 14, 18])
}


def view(channels):
    """A small classifier of ten classes."""
    return dict(
        type='ImageClassifier',
        backbone=dict(type='mmvisx.CNN13', width=channels / 128),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=channels),
    )


def segmentor(channels):
    """A small segmentor of ten classes: a 1x1 convolution of the scores' layer."""
    head = dict(
        type='FCNHead',
        in_channels=channels,
        channels=channels,
        in_index=0,
        num_convs=0,
        concat_input=False,
        num_classes=10,
        dropout_ratio=0.0,
    )
    backbone = dict(type='mmvisx.CNN13', width=channels / 128)
    return dict(type='EncoderDecoder', backbone=backbone, decode_head=head)


def small(c):
    """Parameters of a CNN13 of c, 2c and 4c channels."""
    convolutions = 9 * (3 * c + 2 * c * c + c * 2 * c + 2 * 4 * c * c + 2 * c * 4 * c)
    convolutions += 4 * c * 2 * c + 2 * c * c
    biases_and_norms = 3 * (3 * c + 3 * 2 * c + 4 * c + 2 * c + c)
    return convolutions + biases_and_norms


MODELS = {
    # As published, less the 10 * 128 + 10 of the last layer
    'CNN13': ModelCase({}, [(2, 3, 16, 20)], [(2, 128, 2, 3)], 3_123_850 - 1_290),
    # Two views of different width, each with a linear layer
    'CoTrainingClassifier': ModelCase(
        dict(views=[view(4), view(6)]),
        [(2, 3, 16, 16)],
        [(2, 10)],
        small(4) + 4 * 10 + 10 + small(6) + 6 * 10 + 10,
    ),
    'ConfidentCoTraining': ModelCase(
        dict(views=[view(4), view(6)]),
        [(2, 3, 16, 16)],
        [(2, 10)],
        small(4) + 4 * 10 + 10 + small(6) + 6 * 10 + 10,
    ),
    'MeanTeacher': ModelCase(
        dict(views=[view(4), view(6)]),
        [(2, 3, 16, 16)],
        [(2, 10)],
        2 * (small(4) + 4 * 10 + 10 + small(6) + 6 * 10 + 10),
        frozen=('teachers',),
        unused=('views',),  # their teachers predict
    ),
    'PiModel': ModelCase(
        dict(views=[view(4), view(6)]),
        [(2, 3, 16, 16)],
        [(2, 10)],
        small(4) + 4 * 10 + 10 + small(6) + 6 * 10 + 10,
    ),
    'SupervisedViews': ModelCase(
        dict(views=[view(4), view(6)]),
        [(2, 3, 16, 16)],
        [(2, 10)],
        small(4) + 4 * 10 + 10 + small(6) + 6 * 10 + 10,
    ),
    # The same in each pixel
    'CoTrainingSegmentor': ModelCase(
        dict(views=[segmentor(4), segmentor(6)]),
        [(2, 3, 16, 16)],
        [(2, 10, 16, 16)],
        small(4) + 4 * 10 + 10 + small(6) + 6 * 10 + 10,
    ),
}

HOOKS = {
    'CoTrainingRampHook': HookCase(dict(epochs=3), training='co-trained'),
    'EqualViewsHook': HookCase(training='co-trained'),
    'ViewMonitorHook': HookCase(dict(interval=1), training='co-trained'),
}


def predicted(right):
    """Four images; the second view is right about half of what the first is right about."""
    scores = torch.eye(4) if right else torch.zeros(4, 4)
    samples = []
    for k in range(4):
        other = scores[k] if k % 2 else scores[k].roll(1)
        sample = DataSample().set_gt_label(k)
        sample.set_field(torch.stack([scores[k], other]), 'view_scores')
        samples.append(sample.to_dict())
    return samples


def segmented(right):
    """Two images; the first view finds all classes, the second one and a wrong model only one."""
    samples = []
    for seed in range(2):
        labels = torch.from_numpy(label_map(3, seed).astype(np.int64))[None]
        first = labels.clamp(max=2) if right else torch.zeros(1, *SIZE, dtype=torch.int64)
        samples.append(
            dict(
                gt_sem_seg=dict(data=labels),
                pred_sem_seg=dict(data=first),
                view_sem_seg=dict(data=torch.cat([first, torch.zeros_like(first)])),
            )
        )
    return samples


METRICS = {
    # Of equal scores the first class counts as predicted
    'ViewAccuracy': MetricCase(
        lambda folder: {},
        dict(classes=tuple('abcd')),
        lambda: predicted(right=True),
        lambda: predicted(right=False),
        {'views/0': 25.0, 'views/1': 25.0, 'views/disagreement': 0.0},
    ),
    # Of 2 * 570 labelled pixels 2 * 27 * 7 are of the first class: 33.16 % for it, 0 for two others
    'ViewIoU': MetricCase(
        lambda folder: {},
        dict(classes=SEG_CLASSES),
        lambda: segmented(right=True),
        lambda: segmented(right=False),
        {'views/0': 11.05, 'views/1': 11.05, 'views/mean': 11.05, 'views/ensemble': 11.05},
    ),
}
