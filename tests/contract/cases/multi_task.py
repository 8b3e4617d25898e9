"""Contract cases of multi_task."""

import numpy as np
import torch

from tests.contract.case import DatasetCase, MetricCase, ModelCase, OptimCase, TransformCase
from tests.contract.samples import SIZE, file_sample, image_sample, label_map, picture, write_maps

MODELS = {
    # The backbone, and two heads of one 1x1 convolution
    'MultiTaskSegmentor': ModelCase(
        dict(
            backbone=dict(type='mmvisx.CifarResNet', depth=20),
            task_heads={
                task: dict(
                    type='FCNHead',
                    num_convs=0,
                    concat_input=False,
                    in_channels=64,
                    in_index=0,
                    channels=64,
                    num_classes=classes,
                    dropout_ratio=0.0,
                )
                for task, classes in (('scene', 5), ('part', 3))
            },
        ),
        [(2, 3, 32, 32)],
        [(2, 5, 8, 8), (2, 3, 8, 8)],
        269_072 + 65 * 5 + 65 * 3,
    ),
}


SCENES, PARTS = ('a', 'b', 'c'), ('x', 'y')


def tasks(folder):
    """Three images for the one task, of which two are for the other one, too."""
    files = write_maps(folder)
    scene = dict(type='mmvisx.SegmentationDataset', metainfo=dict(classes=SCENES), **files)
    part = dict(scene, metainfo=dict(classes=PARTS), ann_file='list.txt')
    return dict(tasks=dict(scene=scene, part=part))


DATASETS = {
    'MultiTaskDataset': DatasetCase(tasks, 3, SCENES),
    'LIPDataset': DatasetCase(write_maps, 3, 20),
    'PascalPersonPartDataset': DatasetCase(write_maps, 3, 7),
}


def task_sample(folder):
    """An image with the maps of two tasks."""
    info = file_sample(folder)
    keys = ('seg_map_path', 'label_map', 'num_classes', 'reduce_zero_label')
    one = {key: info[key] for key in keys}
    shared = {key: info[key] for key in ('img_path', 'ori_shape', 'seg_fields')}
    return dict(shared, task_maps=dict(scene=one, part=one))


def loaded_tasks(folder):
    """The same, loaded."""
    return dict(
        img_path='0.jpg',
        img=picture(),
        img_shape=SIZE,
        ori_shape=SIZE,
        gt_seg_map_scene=label_map(),
        gt_seg_map_part=label_map(2),
        seg_fields=['gt_seg_map_scene', 'gt_seg_map_part'],
    )


SCALED = frozenset({'img', 'img_shape', 'gt_seg_map', 'scale', 'scale_factor', 'keep_ratio'})
FLIPPED = frozenset({'img', 'gt_seg_map', 'flip', 'flip_direction', 'swap_seg_labels'})
TRANSFORMS = {
    'LoadTaskAnnotations': TransformCase(
        {}, task_sample, frozenset({'gt_seg_map_scene', 'gt_seg_map_part', 'seg_fields'})
    ),
    'PackTaskInputs': TransformCase(
        dict(meta_keys=('img_path', 'ori_shape')), loaded_tasks, packs=True
    ),
    'RandomScale': TransformCase({}, image_sample, SCALED),
    'RandomFlip': TransformCase(dict(prob=1.0), image_sample, FLIPPED),
}


def maps(right):
    """Two images whose labels are scored so, a row of them unlabelled."""
    samples = []
    for seed in range(2):
        labels = torch.from_numpy(label_map(3, seed).astype(np.int64))[None]
        scores = torch.full((3, *SIZE), -1.0)
        scores[0 if not right else slice(None)] += 0.5
        if right:
            scores.scatter_(0, labels.clamp(max=2), 2.0)
            scores[:, 5] = scores[[1, 2, 0], 5]  # but for one row
        samples.append(
            dict(
                gt_sem_seg=dict(data=labels),
                seg_logits=dict(data=scores),
                pred_sem_seg=dict(data=scores.argmax(0, keepdim=True)),
            )
        )
    return samples


METRICS = {
    # A model that knows the first class only: 2 * 27 * 7 of 2 * 570 pixels are right, 33.16 %, and
    # of three classes the others have none.
    'TaskIoUMetric': MetricCase(
        lambda folder: {},
        dict(classes=SCENES, palette=[[0, 0, 0]] * 3),
        lambda: maps(right=True),
        lambda: maps(right=False),
        {'aAcc': np.float32(33.16), 'mIoU': np.float32(11.05)},
    ),
}

SGD = dict(type='SGD', lr=0.1, momentum=0.9)
OPTIM_WRAPPERS = {
    'AsynchronousSGD': OptimCase(
        dict(
            type='mmvisx.AsynchronousSGD',
            constructor='mmvisx.AsynchronousSGDConstructor',
            optimizer=SGD,
            trunk_images=2,
            task_images=2,
        ),
        training='tasks',
    ),
}
