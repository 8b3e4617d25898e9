"""What the images, boxes and masks of a training part measure.

N is the number of images, M that of objects, A that of anchors of one place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmengine.registry import DATASETS
from scipy.cluster.vq import kmeans2

from mmvisx.datasets.image_file import image_size
from mmvisx.utils.errors import UserError

from .formats.base import Format, Part

__all__ = ['Anchors', 'Statistics', 'fit_anchors', 'measure', 'side_at']

# Images whose headers are read where no annotation tells the size.
SAMPLED = 200
RATIOS = 3
ALIKE = 0.01


@dataclass
class Statistics:
    """What a part measures.

    Attributes:
        images: How many there are.
        sizes: ``(N, 2)``, width and height in pixels, of all images or of some.
        boxes: ``(M, 2)``, width and height in shares of their image's longer edge, in (0, 1].
        per_class: Objects, or images, of each class.
        with_masks: Objects that have a mask.
    """

    images: int
    sizes: np.ndarray
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    per_class: Counter[str] = field(default_factory=Counter)
    with_masks: int = 0

    @property
    def typical(self) -> tuple[int, int]:
        """Median width and height of the images."""
        width, height = np.median(self.sizes, axis=0)
        return int(width), int(height)


def measure(data: Format, part: Part) -> Statistics:
    """Measure a part as its task needs it."""
    return measure_boxes(data, part) if data.task == 'detection' else measure_images(data, part)


def measure_images(data: Format, part: Part) -> Statistics:
    """Measure the images of a part, of which some are opened.

    Raises:
        UserError: There is none.
    """
    names = data.names(part)
    if not names:
        raise UserError(f'{part.images} has no image: there is nothing to train on')
    some = names[:: max(1, len(names) // SAMPLED)]
    sizes = [image_size((part.images / name).read_bytes()) for name in some]
    return Statistics(len(names), np.array(sizes), per_class=Counter(data.strata(names)))


def measure_boxes(data: Format, part: Part) -> Statistics:
    """Measure the objects of a part, as its data set reads them; crowds do not count."""
    arguments: dict[str, Any] = data.arguments(part)
    classes = data.classes
    dataset = DATASETS.build(
        dict(
            arguments,
            data_root=str(data.root),
            metainfo=dict(classes=classes),
            pipeline=[],
            test_mode=True,
            lazy_init=True,
            _scope_='mmdet',
        )
    )
    sizes, boxes, masks = [], [], 0
    per_class: Counter[str] = Counter()
    for info in dataset.load_data_list():
        sizes.append((info['width'], info['height']))
        for item in info['instances']:
            if item.get('ignore_flag'):
                continue
            x1, y1, x2, y2 = item['bbox']
            boxes.append(np.array([x2 - x1, y2 - y1]) / max(sizes[-1]))
            masks += 'mask' in item
            per_class[classes[item['bbox_label']]] += 1
    found = np.array(boxes).reshape(-1, 2)
    return Statistics(len(sizes), np.array(sizes), found, per_class, masks)


@dataclass(frozen=True)
class Anchors:
    """Anchors of a feature pyramid.

    Attributes:
        scale: Side of a square anchor in strides.
        ratios: Heights divided by widths.
        overlap: Mean over the boxes of the largest IoU with an anchor at the same centre.
    """

    scale: float
    ratios: tuple[float, ...]
    overlap: float


def fit_anchors(boxes: np.ndarray, strides: tuple[int, ...], largest: float) -> Anchors:
    """Fit scale and ratios of anchors to boxes.

    The ratios are the means of three clusters of log(height / width). An anchor of half the scale
    is that of a coarser level, so several scales overlap the boxes alike: the largest one is taken,
    whose anchors lie closest.

    Args:
        boxes: ``(M, 2)``, width and height in pixels of the network's input.
        strides: Of the levels of the pyramid.
        largest: Scale; the smallest one tried is an eighth of it.
    """
    logs = np.log(boxes[:, 1] / boxes[:, 0])
    # Starts from the data, not from random numbers.
    start = np.unique(np.quantile(logs, np.linspace(0.1, 0.9, RATIOS)))
    centres, _ = kmeans2(logs[:, None], start[:, None], minit='matrix')
    ratios = tuple(sorted({round(float(ratio), 2) for ratio in np.exp(centres)[:, 0]}))
    sides = np.array(strides, float)
    scales = [round(largest / 2 ** (k / 6), 1) for k in range(19)]  # sixths of an octave
    overlaps = [_overlap(boxes, _shapes(scale * sides, ratios)) for scale in scales]
    k = next(k for k, overlap in enumerate(overlaps) if overlap >= max(overlaps) - ALIKE)
    return Anchors(scales[k], ratios, overlaps[k])


def _shapes(sides: np.ndarray, ratios: tuple[float, ...]) -> np.ndarray:
    """Return the anchors of these sides and ratios, ``(A, 2)``."""
    roots = np.sqrt(ratios)
    return np.stack([np.outer(sides, 1 / roots), np.outer(sides, roots)], -1).reshape(-1, 2)


def _overlap(boxes: np.ndarray, anchors: np.ndarray) -> float:
    common = np.minimum(boxes[:, None], anchors[None]).prod(-1)
    union = boxes.prod(-1)[:, None] + anchors.prod(-1)[None] - common
    return float((common / union).max(1).mean())


def side_at(boxes: np.ndarray, quantile: float) -> float:
    """Return a quantile of the sides (root of the area) of boxes ``(N, 2)``.

    Both are in shares of the image.
    """
    return float(np.quantile(np.sqrt(boxes.prod(-1)), quantile))
