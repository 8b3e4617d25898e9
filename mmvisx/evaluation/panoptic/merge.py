"""Merge detected things and segmented stuff into one panoptic map.

The rule of the panoptic API, which Table 6-VI of document 001 was made with: things in the
order of their scores, then stuff where nothing is yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as rle_tools
from scipy import ndimage

from mmvisx.evaluation.panoptic.format import SegmentColors
from mmvisx.utils import UserError


@dataclass(frozen=True)
class MergeRule:
    """Thresholds of the rule; the defaults are the panoptic API's.

    Source: 001, 6.5.3 and Table 6-VI, which do not say the rule.
    """

    score_thr: float = 0.5
    """A detection below it, in [0, 1], is left out."""
    overlap_thr: float = 0.5
    """A detection with a greater part of its pixels already taken, in [0, 1], is left out."""
    stuff_area_limit: int = 64 * 64
    """Fewer free pixels of a stuff class in an image are left out."""

    def __post_init__(self) -> None:
        for name in ('score_thr', 'overlap_thr'):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f'{name}={getattr(self, name)} must be in [0, 1]')
        if self.stuff_area_limit < 0:
            raise UserError(f'stuff_area_limit={self.stuff_area_limit} must be 0 or more pixels')


class PanopticCanvas:
    """A panoptic map being filled; a pixel that has been assigned stays as it is.

    Args:
        height: In pixels.
        width: In pixels.

    Attributes:
        places: ``(H, W)`` int32; k > 0 is the k-th segment, 0 is free.
        dropped: How many inputs were left out, by reason.

    Source: 001, 6.5.3 and Table 6-VI, which do not say the rule.
    """

    def __init__(self, height: int, width: int, rule: MergeRule | None = None) -> None:
        self.rule = rule or MergeRule()
        self.places = np.zeros((height, width), np.int32)
        self.dropped: Counter[str] = Counter()
        self._segments: list[dict[str, Any]] = []

    def add_things(self, detections: Iterable[dict[str, Any]]) -> None:
        """Assign the free pixels of detections, the best one first.

        Args:
            detections: Each with ``category_id``, ``score``, ``segmentation`` as compressed
                RLE of this size and, if it likes, ``iscrowd``. Of equal scores, single objects
                come before crowds, then the earlier one.
        """
        kept = []
        for detection in detections:
            if detection['score'] < self.rule.score_thr:
                self.dropped['below the score threshold'] += 1
            else:
                kept.append(detection)
        kept.sort(key=lambda item: (-item['score'], item.get('iscrowd', 0)))
        for detection in kept:
            self._add_thing(detection)

    def _add_thing(self, detection: dict[str, Any]) -> None:
        rle = detection['segmentation']
        area = int(rle_tools.area(rle))
        if area == 0:
            self.dropped['empty'] += 1
            return
        x, y, w, h = (int(v) for v in rle_tools.toBbox(rle))
        # All that happens to this mask happens inside its box.
        window = np.s_[y : y + h, x : x + w]
        places = self.places[window]
        free = rle_tools.decode(rle)[window].astype(bool) & (places == 0)
        if (area - np.count_nonzero(free)) / area > self.rule.overlap_thr or not free.any():
            self.dropped['overlapping'] += 1
            return
        places[free] = self._new(detection['category_id'], detection.get('iscrowd', 0))

    def add_stuff_masks(self, masks: Iterable[dict[str, Any]]) -> None:
        """Assign free pixels to stuff, in the order given.

        Args:
            masks: Each with ``category_id`` and ``segmentation`` as compressed RLE.
        """
        for mask in masks:
            free = rle_tools.decode(mask['segmentation']).astype(bool) & (self.places == 0)
            if self._large_enough(np.count_nonzero(free)):
                self.places[free] = self._new(mask['category_id'])

    def add_stuff_map(self, labels: np.ndarray, categories: Sequence[int | None]) -> None:
        """Assign free pixels to stuff, all classes at once.

        Args:
            labels: ``(H, W)`` integers.
            categories: Category id of each label; None for labels that are no stuff. Labels
                of the same category are one segment.
        """
        stuff = sorted({c for c in categories if c is not None})
        row = {c: k for k, c in enumerate(stuff, 1)}
        table = np.array([0 if c is None else row[c] for c in categories], np.int32)
        free = self.places == 0
        rows = table[labels[free]]
        new = np.zeros(len(stuff) + 1, np.int32)
        counts = np.bincount(rows, minlength=len(new))
        for k in np.flatnonzero(counts[1:]) + 1:
            if self._large_enough(counts[k]):
                new[k] = self._new(stuff[k - 1])
        self.places[free] = new[rows]

    def finish(self, colors: SegmentColors) -> tuple[np.ndarray, list[dict[str, Any]]]:
        """Ids ``(H, W)`` int32 and COCO's ``segments_info``, in the order of assignment."""
        ids = np.array([0, *colors([s['category_id'] for s in self._segments])], np.int32)
        areas = np.bincount(self.places.ravel(), minlength=len(ids))
        boxes = ndimage.find_objects(self.places)
        segments = []
        for k, (segment, (rows, columns)) in enumerate(
            zip(self._segments, boxes, strict=True), start=1
        ):
            x, y = columns.start, rows.start
            box = [x, y, columns.stop - x, rows.stop - y]
            segments.append(dict(id=int(ids[k]), area=int(areas[k]), bbox=box, **segment))
        return ids[self.places], segments

    def _large_enough(self, area: int) -> bool:
        if 0 < area < self.rule.stuff_area_limit:
            self.dropped['stuff below the area limit'] += 1
        return area >= max(self.rule.stuff_area_limit, 1)

    def _new(self, category_id: int, iscrowd: int = 0) -> int:
        self._segments.append(dict(category_id=category_id, iscrowd=int(iscrowd)))
        return len(self._segments)
