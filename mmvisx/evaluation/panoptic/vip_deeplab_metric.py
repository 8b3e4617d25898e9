"""Depth-aware video panoptic quality of a model's predictions, while it is tested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.structures import INSTANCE_OFFSET
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from terminaltables import AsciiTable

from mmvisx.evaluation.panoptic.vip_deeplab_counts import (
    SegmentCounts,
    count_segments,
    depth_errors,
    within,
)
from mmvisx.evaluation.panoptic.vip_deeplab_quality import (
    DVPQScores,
    SegmentKinds,
    clip_statistics,
)
from mmvisx.registry import METRICS
from mmvisx.utils.errors import UserError

__all__ = ['DVPQMetric']

_KINDS = ('gt', 'pred')


@METRICS.register_module()
class DVPQMetric(BaseMetric):
    """VPQ^k and DVPQ^k_lambda, absRel and the share of pixels with small depth error.

    A sample is a frame, or a clip with its frames in ``video_data_samples``. A frame has
    ``video_id``, ``frame_id`` (0, 1, ... in its clip), ``gt_panoptic_seg.sem_seg`` and
    ``pred_panoptic_seg.sem_seg``, ``(1, H, W)``: class + 1000 x id; and for thresholds
    ``gt_depth_map.data`` and ``pred_depth_map.data``, ``(1, H, W)`` in one unit, 0 unknown. A
    frame is counted once for all windows and thresholds, and once only where a sampler repeats
    it. The data set's meta has ``classes`` and ``thing_classes``.

    Gives ``DVPQ`` (the mean over k and lambda), ``VPQ`` (over k), their cells (``DVPQ_k2_0.25``,
    ``VPQ_k2``), each also of things (``_th``) and stuff (``_st``), ``absRel`` and ``inlier_0.25``:
    in [0, 1], NaN where no class of the kind occurs or no depth is known. Depth: the mean of each
    frame, then over the frames with any.

    Args:
        window_sizes: Values of k.
        thresholds: Values of lambda; none for data without depth.
        average: See :class:`DVPQScores`.
        ignore_index: Class of true pixels that do not count; with an id above 0 they are a crowd.
        zero_is_crowd: See :class:`SegmentKinds`.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        UserError: A k or lambda is not positive, ``average`` is unknown; a frame lacks a key, has
            an unknown class or maps that do not fit; a clip lacks a frame or is shorter than k.

    Source: 001, Eq. 7.1, 7.2 and 7.5, Tables 7-I and 7-II.
    """

    default_prefix = 'dvps'

    def __init__(
        self,
        window_sizes: Sequence[int] = (1, 2, 3, 4),
        thresholds: Sequence[float] = (0.5, 0.25, 0.1),
        average: str = 'present',
        ignore_index: int = 255,
        zero_is_crowd: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, values in (('window_sizes', window_sizes), ('thresholds', thresholds)):
            if any(value <= 0 for value in values):
                raise UserError(f'DVPQMetric: {name}={list(values)} must all be above 0')
        if not window_sizes:
            raise UserError('DVPQMetric: window_sizes is empty; give (1,) for single images')
        if average not in ('present', 'all'):
            raise UserError(f"DVPQMetric: average={average!r} must be 'present' or 'all'")
        self.window_sizes, self.thresholds = tuple(window_sizes), tuple(thresholds)
        self.average = average
        self.ignore_index = ignore_index
        self.zero_is_crowd = zero_is_crowd

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Count the frames of a batch."""
        for sample in data_samples:
            frames = sample.get('video_data_samples', [sample])
            self.results.append(
                [self._count(f if isinstance(f, dict) else f.to_dict()) for f in frames]
            )

    def _count(self, frame: dict[str, Any]) -> tuple[Any, int, SegmentCounts, np.ndarray]:
        name = f'DVPQMetric, video {frame.get("video_id")}, frame {frame.get("frame_id")}'
        try:
            number = frame['video_id'], int(frame['frame_id'])
            true, predicted = (
                frame[f'{kind}_panoptic_seg']['sem_seg'][0].cpu().numpy() for kind in _KINDS
            )
            depths = [
                frame[f'{kind}_depth_map']['data'][0].cpu().numpy()
                for kind in (_KINDS if self.thresholds else ())
            ]
        except KeyError as error:
            hint = '; without depth set thresholds=()' if 'depth' in str(error) else ''
            raise UserError(f'{name}: there is no {error}{hint}') from None
        try:
            errors = depth_errors(depths[1], depths[0]) if depths else np.full(true.shape, np.nan)
            near = [within(errors, threshold) for threshold in self.thresholds]
            counts = count_segments(true, predicted, near)
        except UserError as error:
            raise UserError(f'{name}: {error}') from None
        self._check_classes(name, counts)
        return *number, counts, _depth_scores(errors, near)

    def _check_classes(self, name: str, counts: SegmentCounts) -> None:
        classes = set((counts.true % INSTANCE_OFFSET).tolist())
        unknown = classes - {*range(len(self.dataset_meta['classes'])), self.ignore_index}
        if unknown:
            raise UserError(
                f'{name}: the ground truth has the class {min(unknown)}; there are '
                f'{len(self.dataset_meta["classes"])}, and {self.ignore_index} is ignored'
            )

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Sum over all windows of all clips; logs the tables."""
        things = self.dataset_meta['thing_classes']
        categories = [
            dict(name=name, isthing=name in things) for name in self.dataset_meta['classes']
        ]
        kinds = SegmentKinds(
            np.array([c['isthing'] for c in categories]), self.ignore_index, self.zero_is_crowd
        )
        videos: dict[Any, dict[int, SegmentCounts]] = defaultdict(dict)
        depth: dict[Any, np.ndarray] = {}
        for video, frame, counts, scores in (item for result in results for item in result):
            videos[video][frame] = counts
            depth[video, frame] = scores
        self._check_videos(videos)
        statistics = sum(
            clip_statistics([f[k] for k in range(len(f))], self.window_sizes, kinds)
            for f in videos.values()
        )
        found = DVPQScores(
            np.asarray(statistics), self.window_sizes, self.thresholds, categories, self.average
        )
        print_log('\n' + '\n'.join(_tables(found)), logger='current')
        return found.metrics() | self._depth_metrics(list(depth.values()))

    def _check_videos(self, videos: dict[Any, dict[int, SegmentCounts]]) -> None:
        for video, frames in videos.items():
            lacking = set(range(max(frames) + 1)) - frames.keys()
            if lacking:
                raise UserError(
                    f'DVPQMetric: video {video} has no frame {min(lacking)} of 0..{max(frames)}; '
                    'test all frames of a clip'
                )
            if len(frames) < max(self.window_sizes):
                raise UserError(
                    f'DVPQMetric: video {video} has {len(frames)} frames, a window of '
                    f'k={max(self.window_sizes)} needs as many; leave it out or set window_sizes'
                )

    def _depth_metrics(self, scores: list[np.ndarray]) -> dict[str, float]:
        if not self.thresholds:
            return {}
        known = [values for values in scores if not np.isnan(values[0])]
        means = np.mean(known, axis=0) if known else np.full(1 + len(self.thresholds), np.nan)
        names = ['absRel', *(f'inlier_{threshold:g}' for threshold in self.thresholds)]
        return dict(zip(names, means.tolist(), strict=True))


def _depth_scores(errors: np.ndarray, near: Sequence[np.ndarray]) -> np.ndarray:
    known = ~np.isnan(errors)
    if not known.any():
        return np.full(1 + len(near), np.nan)
    return np.array([errors[known].mean(), *(mask[known].mean() for mask in near)])


def _tables(scores: DVPQScores) -> list[str]:
    """Write cells as in Table 7-I, and the means over k of each class."""
    heads = [*(f'lambda = {t:g}' for t in scores.thresholds), 'no depth (VPQ)']
    cells = scores.means().transpose(2, 1, 0)
    rows = [['all | things | stuff', *(f'k = {k}' for k in scores.sizes), 'mean']]
    for head, row in zip(heads, cells, strict=True):
        rows.append([head, *map(_cell, row), _cell(row.mean(axis=0))])
    table = AsciiTable(rows, title='video panoptic quality')
    per_class = [['class', 'kind', *heads]]
    for category, values in zip(scores.categories, scores.per_class().mean(axis=0).T, strict=True):
        kind = 'thing' if category['isthing'] else 'stuff'
        numbers = [f'{v:.3f}'.replace('nan', '-') for v in values]
        per_class.append([category['name'], kind, *numbers])
    return [table.table, AsciiTable(per_class, title='classes, mean over k').table]


def _cell(values: np.ndarray) -> str:
    return ' | '.join(f'{v:.3f}' for v in values).replace('nan', '-')
