"""Video panoptic quality with and without depth, from the counts of frames.

Letters: K classes, L thresholds of the depth error, W sizes of windows, G true and P predicted
segments of a window, U pairs of them.

void: true pixels without a class (``ignore``, id 0); predicted ones whose class is none of the K.
crowd: a true segment whose objects are not told apart; it is neither matched nor missed.
forgiven: of predictions that match nothing, those that lie on void and crowds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmdet.structures import INSTANCE_OFFSET

from mmvisx.evaluation.panoptic.quality import FN, FP, IOU, TP, PanopticScores
from mmvisx.evaluation.panoptic.vip_deeplab_counts import SegmentCounts, sum_counts

__all__ = ['DVPQScores', 'SegmentKinds', 'clip_statistics', 'window_statistics']


@dataclass(frozen=True)
class SegmentKinds:
    """What the codes of segments mean.

    Attributes:
        things: Whether each class is of things, ``(K,)`` bool.
        ignore: Class of true pixels that do not count: with id 0 void, with another id a crowd,
            which forgives predictions of all classes.
        zero_is_crowd: True things with id 0 are crowds, too, which forgive predictions of their
            class. Without it they are a segment like others, as in the published evaluation.
    """

    things: np.ndarray
    ignore: int = 255
    zero_is_crowd: bool = False


def window_statistics(window: SegmentCounts, kinds: SegmentKinds) -> np.ndarray:
    """Return sum of IoU, TP, FP, FN of each class in a window, ``(L + 1, K, 4)`` float64.

    A true and a predicted segment of one class match where IoU > 0.5. A prediction loses the
    pixels whose depth error is above the threshold, a true segment does not; predicted pixels on
    void count in no union. An unmatched prediction is no false positive if more than half of it
    is forgiven.

    Source: 001, Eq. 7.1 and 7.5.
    """
    true, t = np.unique(window.true, return_inverse=True)
    predicted, p = np.unique(window.predicted, return_inverse=True)
    t_class, t_id = true % INSTANCE_OFFSET, true // INSTANCE_OFFSET
    p_class = predicted % INSTANCE_OFFSET
    classes = len(kinds.things)

    ignored = t_class == kinds.ignore
    void = ignored & (t_id == 0)
    aside = ignored.copy()  # void and crowds
    if kinds.zero_is_crowd:
        aside |= np.isin(t_class, np.flatnonzero(kinds.things)) & (t_id == 0)
    same = t_class[t] == p_class[p]
    forgives = ignored[t] | (aside[t] & same)

    pixels = window.pixels * (p_class < classes)[p, None]
    t_area = _sums(t, window.pixels[:, -1:], len(true))
    p_area = _sums(p, pixels, len(predicted))
    p_void = _sums(p, pixels * void[t, None], len(predicted))
    p_forgiven = _sums(p, pixels * forgives[:, None], len(predicted))

    candidates = np.flatnonzero(same & ~aside[t] & (p_class < classes)[p])
    t, p, pixels = t[candidates], p[candidates], pixels[candidates]
    iou = pixels / (t_area[t] + p_area[p] - pixels - p_void[p])
    match = iou > 0.5
    missed = ~aside[:, None] & (_sums(t, match, len(true)) == 0)
    wrong = (p_area > 0) & (_sums(p, match, len(predicted)) == 0) & (2 * p_forgiven <= p_area)

    levels = window.pixels.shape[1]
    statistics = np.zeros((classes, levels, 4))
    np.add.at(statistics[..., IOU], t_class[t], iou * match)
    np.add.at(statistics[..., TP], t_class[t], match)
    np.add.at(statistics[..., FP], p_class[wrong.any(axis=1)], wrong[wrong.any(axis=1)])
    np.add.at(statistics[..., FN], t_class[~aside], missed[~aside])
    return statistics.transpose(1, 0, 2)


def _sums(places: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    sums = np.zeros((size, values.shape[1]), np.int64)
    np.add.at(sums, places, values)
    return sums


def clip_statistics(
    frames: Sequence[SegmentCounts], sizes: Sequence[int], kinds: SegmentKinds
) -> np.ndarray:
    """Sum :func:`window_statistics` over all windows of each size, ``(W, L + 1, K, 4)``.

    Args:
        frames: Counts of all frames of a clip, in their order.
        sizes: The W values of k, none larger than the number of frames.
        kinds: What the codes mean.

    Source: 001, Eq. 7.2.
    """
    return np.stack(
        [
            sum(
                window_statistics(sum_counts(frames[start : start + size]), kinds)
                for start in range(len(frames) - size + 1)
            )
            for size in sizes
        ]
    )


@dataclass(frozen=True)
class DVPQScores:
    """What :func:`clip_statistics` gives, summed over clips.

    Attributes:
        statistics: ``(W, L + 1, K, 4)``: sum of IoU, TP, FP, FN.
        sizes: The W values of k.
        thresholds: The L values of lambda; behind them stands VPQ, without depth.
        categories: K items with ``name`` and ``isthing``.
        average: ``'present'``: means over the classes that occur in a cell; ``'all'``: over all,
            with 0 for those that do not, as in the published evaluation.

    Source: 001, Table 7-I.
    """

    statistics: np.ndarray
    sizes: Sequence[int]
    thresholds: Sequence[float]
    categories: Sequence[dict[str, Any]]
    average: str = 'present'

    def per_class(self) -> np.ndarray:
        """VPQ of each class, ``(W, L + 1, K)`` in [0, 1], NaN where it does not occur."""
        flat = self.statistics.reshape(-1, len(self.categories), 4)
        values = [PanopticScores(cell, self.categories).per_class()[:, 0] for cell in flat]
        return np.reshape(values, self.statistics.shape[:-1])

    def means(self) -> np.ndarray:
        """Means over all classes, things and stuff, ``(3, W, L + 1)``; NaN where there is none."""
        values = self.per_class()
        if self.average == 'all':
            values = np.nan_to_num(values)
        things = np.array([bool(c['isthing']) for c in self.categories])
        chosen = np.stack([things | True, things, ~things])[:, None, None]
        there = chosen & ~np.isnan(values)
        with np.errstate(invalid='ignore'):
            return np.where(there, values, 0).sum(axis=-1) / there.sum(axis=-1)

    def metrics(self) -> dict[str, float]:
        """Return every cell of Table 7-I and their means, of all classes, things and stuff."""
        metrics: dict[str, float] = {}
        for suffix, values in zip(('', '_th', '_st'), self.means(), strict=True):
            depth = values[:, :-1]
            if depth.size:
                metrics[f'DVPQ{suffix}'] = float(depth.mean())
            metrics[f'VPQ{suffix}'] = float(values[:, -1].mean())
            for size, row in zip(self.sizes, values, strict=True):
                for threshold, value in zip(self.thresholds, row, strict=False):
                    metrics[f'DVPQ_k{size}_{threshold:g}{suffix}'] = float(value)
                metrics[f'VPQ_k{size}{suffix}'] = float(row[-1])
        return metrics
