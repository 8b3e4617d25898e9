"""Pipeline results and data sets for the tests of mixup."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from mmdet.datasets import MultiImageMixDataset
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmdet.utils import register_all_modules
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS


def sample(name, image, boxes, labels=None, **others):
    """What a pipeline holds after LoadAnnotations; boxes ``(N, 4)``."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    labels = range(len(boxes)) if labels is None else labels
    return {
        'img_path': name,
        'img': image,
        'img_shape': image.shape[:2],
        'ori_shape': image.shape[:2],
        'gt_bboxes': HorizontalBoxes(boxes),
        'gt_bboxes_labels': np.array(list(labels), np.int64),
        'gt_ignore_flags': np.zeros(len(boxes), bool),
        **others,
    }


def plain(value, shape=(4, 6, 3), kind=np.uint8):
    """An image of one colour."""
    return np.full(shape, value, kind)


@DATASETS.register_module(name='mmvisx_test_plain', force=True)
class Plain(BaseDataset):
    """Images of one colour each, 20 times the place of the image, with one box."""

    def __init__(self, count, **kwargs):
        self.count = count
        self.loaded = []
        super().__init__(**kwargs)

    def load_data_list(self):
        return [{'number': number} for number in range(self.count)]

    def prepare_data(self, idx):
        self.loaded.append(idx)
        image = plain(20 * idx, (4 + idx % 3, 6, 3))
        return sample(f'{idx}.png', image, [[0, 0, 3, 3]], [idx], sample_idx=idx)


def mix_dataset(count, *behind, **mixup):
    """A MultiImageMixDataset of :class:`Plain` images with DetectionMixUp and what follows."""
    register_all_modules(init_default_scope=True)
    steps = [{'type': 'mmvisx.DetectionMixUp', **mixup}, *behind]
    return MultiImageMixDataset(Plain(count), steps)


CELL = 6


@st.composite
def painted(draw, name, channel):
    """An image whose boxes each have a colour of their own in one channel, and their masks.

    The colour is the label; no two boxes of an image overlap.
    """
    rows, columns = draw(st.integers(2, 5)), draw(st.integers(2, 5))
    height, width = CELL * rows + draw(st.integers(0, 5)), CELL * columns + draw(st.integers(0, 5))
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    image = np.zeros((height, width, 3), np.float32)
    boxes, masks, names = [], [], []
    for number, (row, column) in enumerate(draw(st.lists(st.sampled_from(cells), unique=True))):
        x1, y1 = (CELL * c + draw(st.integers(0, 2)) for c in (column, row))
        x2, y2 = (c + draw(st.integers(2, 4)) for c in (x1, y1))
        label = 1 + number + 50 * channel
        image[y1:y2, x1:x2, channel] = label
        boxes.append((x1, y1, x2, y2))
        masks.append((image[..., channel] == label).astype(np.uint8))
        names.append(label)
    return sample(
        name,
        image,
        boxes,
        names,
        gt_masks=BitmapMasks(masks, height, width),
        gt_ignore_flags=np.array(
            draw(st.lists(st.booleans(), min_size=len(boxes), max_size=len(boxes))), bool
        ),
    )
