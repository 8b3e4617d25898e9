"""What the cases of data sets, transforms and metrics are made of."""

from pathlib import Path

import numpy as np
import torch
from mmdet.structures.bbox import HorizontalBoxes
from PIL import Image

SIZE = (20, 30)  # height, width
SEG_CLASSES = ('a', 'b', 'c')


def picture(seed=0):
    """Noise, ``(20, 30, 3)`` uint8."""
    return np.random.default_rng(seed).integers(0, 255, (*SIZE, 3), np.uint8)


def label_map(classes=3, seed=0):
    """Labels of all classes, ``(20, 30)`` uint8, a row of it 255."""
    labels = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) // 7 + seed
    labels = (labels % classes).astype(np.uint8)
    labels[0] = 255
    return labels


def write_maps(folder: Path, suffix='.jpg', classes=3, count=3):
    """Write ``images/`` and ``masks/`` of the same names, and ``list.txt`` of two of them."""
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        Image.fromarray(picture(number)).save(folder / 'images' / f'{number}{suffix}')
        labels = Image.fromarray(label_map(classes, number))
        labels.save(folder / 'masks' / f'{number}.png')
    (folder / 'list.txt').write_text('0\n2\n')
    return dict(
        data_root=str(folder), data_prefix=dict(img_path='images', seg_map_path='masks')
    )  # fmt: skip


def file_sample(folder: Path):
    """What a segmentation data set gives of an image."""
    write_maps(folder, count=1)
    return dict(
        img_path=str(folder / 'images/0.jpg'),
        seg_map_path=str(folder / 'masks/0.png'),
        ori_shape=SIZE,
        num_classes=3,
        reduce_zero_label=False,
        label_map=None,
        seg_fields=[],
    )


def image_sample(folder: Path):
    """What loading an image gives, with a label map."""
    return dict(
        img_path='0.jpg',
        img=picture(),
        img_shape=SIZE,
        ori_shape=SIZE,
        gt_seg_map=label_map(),
        seg_fields=['gt_seg_map'],
    )


def box_sample(folder: Path, seed=0):
    """What loading an image of detection gives."""
    boxes = np.array([[1, 2, 12, 14], [5, 5, 20, 18]], np.float32)
    return dict(
        img_id=seed,
        img_path=f'{seed}.jpg',
        img=picture(seed),
        img_shape=SIZE,
        ori_shape=SIZE,
        gt_bboxes=HorizontalBoxes(boxes + seed),
        gt_bboxes_labels=np.array([0, 1]),
        gt_ignore_flags=np.array([False, True]),
    )


def same(a, b):
    """Whether two values are equal, whatever holds the numbers."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray | torch.Tensor):
        return type(a) is type(b) and a.dtype == b.dtype and bool((a == b).all())
    for inner in ('tensor', 'masks', '_data_fields', 'data'):
        if hasattr(a, inner) and not isinstance(a, np.ndarray | torch.Tensor):
            if inner == '_data_fields':  # an element of mmengine.structures
                return same(dict(a.all_items()), dict(b.all_items()))
            return same(getattr(a, inner), getattr(b, inner))
    return bool(a == b)
