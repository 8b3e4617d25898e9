"""Panoptic quality (PQ, SQ, RQ) of COCO, on all classes, on things and on stuff.

torchmetrics' ``PanopticQuality`` knows no crowds, and takes pixels without a prediction out of
the ground truth's area; mmdet's metric needs ``panopticapi``, which is on no package index.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from terminaltables import AsciiTable

from mmvisx.datasets.panoptic.annotations import read_panoptic_json
from mmvisx.evaluation.panoptic.format import (
    VOID,
    annotations_by_image,
    check_categories,
    read_ids,
    read_json,
)
from mmvisx.utils import UserError
from mmvisx.utils.progress import progress
from mmvisx.utils.runs import count_values

IOU, TP, FP, FN = range(4)


def joint_areas(truth: np.ndarray, prediction: np.ndarray) -> dict[tuple[int, int], int]:
    """Number of pixels of each pair of ids in [0, 2^24) in two maps ``(H, W)``."""
    pairs, areas = count_values((truth.ravel().astype(np.int64) << 24) | prediction.ravel())
    return {(v >> 24, v & 0xFFFFFF): a for v, a in zip(pairs.tolist(), areas.tolist(), strict=True)}


def panoptic_statistics(
    truth: np.ndarray,
    prediction: np.ndarray,
    true_segments: Sequence[dict[str, Any]],
    predicted_segments: Sequence[dict[str, Any]],
    category_ids: Sequence[int],
) -> np.ndarray:
    """Sum of IoU, and TP, FP, FN of each category in one image: ``(C, 4)`` float64.

    A predicted and a true segment of one category match where IoU > 0.5; pixels that are void
    in the ground truth do not count in the union. Crowds match nothing and are not missed. An
    unmatched prediction is no false positive if more than half of it is void or crowd of its
    category.

    Args:
        truth: ``(H, W)`` ids, 0 is void.
        prediction: ``(H, W)`` ids, 0 is nothing.
        true_segments: Each with ``id``, ``category_id`` and, if it likes, ``iscrowd``.
        predicted_segments: Each with ``id`` and ``category_id``.
        category_ids: The C categories.

    Raises:
        UserError: The maps differ in size, segments and pixels do not fit together, or a
            category is not one of these.
    """
    if truth.shape != prediction.shape:
        raise UserError(
            f'the prediction has {prediction.shape[0]} x {prediction.shape[1]} pixels (height x '
            f'width), the ground truth {truth.shape[0]} x {truth.shape[1]}: predict at the size '
            'of the image'
        )
    row = {category: k for k, category in enumerate(category_ids)}
    areas = joint_areas(truth, prediction)
    true_areas, predicted_areas = _sums(areas, 0), _sums(areas, 1)
    true = _by_id(true_segments, true_areas, row, 'ground truth')
    predicted = _by_id(predicted_segments, predicted_areas, row, 'prediction')
    statistics = np.zeros((len(row), 4))

    matched_true, matched_predicted = set(), set()
    for (t, p), overlap in areas.items():
        if t == VOID or p == VOID or true[t].get('iscrowd', 0):
            continue
        if true[t]['category_id'] != predicted[p]['category_id']:
            continue
        void = areas.get((VOID, p), 0)
        iou = overlap / (true_areas[t] + predicted_areas[p] - overlap - void)
        if iou > 0.5:
            matched_true.add(t)
            matched_predicted.add(p)
            statistics[row[true[t]['category_id']], [IOU, TP]] += iou, 1

    crowds: dict[int, list[int]] = {}
    for t, segment in true.items():
        if segment.get('iscrowd', 0):
            crowds.setdefault(segment['category_id'], []).append(t)
        elif t not in matched_true:
            statistics[row[segment['category_id']], FN] += 1
    for p, segment in predicted.items():
        if p in matched_predicted:
            continue
        ignored = sum(areas.get((t, p), 0) for t in [VOID, *crowds.get(segment['category_id'], [])])
        if ignored / predicted_areas[p] <= 0.5:
            statistics[row[segment['category_id']], FP] += 1
    return statistics


def _sums(areas: dict[tuple[int, int], int], axis: int) -> dict[int, int]:
    sums: dict[int, int] = {}
    for pair, area in areas.items():
        sums[pair[axis]] = sums.get(pair[axis], 0) + area
    return sums


def _by_id(
    segments: Sequence[dict[str, Any]], areas: dict[int, int], row: dict[int, int], kind: str
) -> dict[int, dict[str, Any]]:
    by_id = {segment['id']: segment for segment in segments}
    if len(by_id) < len(segments):
        raise UserError(f'{kind}: two segments of an image have the same id')
    drawn = areas.keys() - {VOID}
    if drawn != by_id.keys():
        faults = [
            f'{", ".join(map(str, sorted(ids)))} only in the {where}'
            for ids, where in ((drawn - by_id.keys(), 'PNG'), (by_id.keys() - drawn, 'JSON'))
            if ids
        ]
        raise UserError(
            f'{kind}: PNG and JSON do not fit together: segments {"; ".join(faults)} '
            '(an id is R + 256 G + 256^2 B)'
        )
    for segment in segments:
        if segment['category_id'] not in row:
            raise UserError(
                f'{kind}: category {segment["category_id"]} of segment {segment["id"]} is not '
                'one of the ground truth\'s "categories"'
            )
    return by_id


@dataclass
class PanopticScores:
    """What :func:`panoptic_statistics` gives, summed over images.

    Attributes:
        statistics: ``(C, 4)``: sum of IoU, TP, FP, FN.
        categories: C items with ``name`` and ``isthing``.

    Source: 001, Table 6-VI.
    """

    statistics: np.ndarray
    categories: Sequence[dict[str, Any]]

    def per_class(self) -> np.ndarray:
        """PQ, SQ and RQ of each class: ``(C, 3)`` in [0, 1], NaN where it does not occur.

        PQ = (sum of IoU / TP) * (TP / (TP + FP / 2 + FN / 2)) = SQ * RQ.
        """
        iou, tp, fp, fn = self.statistics.T
        total = tp + fp / 2 + fn / 2
        # Zero matches are zero quality, and no segment at all is none.
        sq = iou / np.maximum(tp, 1)
        with np.errstate(invalid='ignore'):
            rq = tp / total
        return np.stack([sq * rq, np.where(total > 0, sq, np.nan), rq], axis=1)

    def metrics(self) -> dict[str, float]:
        """Means over the classes that occur: PQ, SQ, RQ; PQ_th, ... of things; PQ_st, ... of stuff.

        In [0, 1]; NaN where no class of the kind occurs.
        """
        values = self.per_class()
        things = np.array([bool(c['isthing']) for c in self.categories])
        metrics: dict[str, float] = {}
        for suffix, chosen in (('', things | True), ('_th', things), ('_st', ~things)):
            rows = values[chosen & ~np.isnan(values[:, 0])]
            means = rows.mean(axis=0) if len(rows) else np.full(3, np.nan)
            metrics.update(
                {name + suffix: float(v) for name, v in zip(('PQ', 'SQ', 'RQ'), means, strict=True)}
            )
        return metrics

    def table(self) -> str:
        """A row for each class that occurs, and the means."""
        rows = [['class', 'kind', 'TP', 'FP', 'FN', 'PQ', 'SQ', 'RQ']]
        for category, counts, values in zip(
            self.categories, self.statistics, self.per_class(), strict=True
        ):
            if not np.isnan(values[0]):
                kind = 'thing' if category['isthing'] else 'stuff'
                numbers = [str(int(n)) for n in counts[TP:]]
                rows.append([category['name'], kind, *numbers, *(f'{v:.3f}' for v in values)])
        metrics = self.metrics()
        means = [[f'{metrics[n + s]:.3f}' for n in ('PQ', 'SQ', 'RQ')] for s in ('', '_th', '_st')]
        footer = '\n'.join(['mean', 'things', 'stuff'])
        columns = ['\n'.join(column).replace('nan', '-') for column in zip(*means, strict=True)]
        rows.append([footer, '', '', '', '', *columns])
        printed = AsciiTable(rows, title='panoptic quality')
        printed.inner_footing_row_border = True
        return printed.table


def evaluate_panoptic(
    prediction_json: str | os.PathLike,
    truth_json: str | os.PathLike,
    prediction_dir: str | os.PathLike | None = None,
    truth_dir: str | os.PathLike | None = None,
) -> PanopticScores:
    """Score a panoptic prediction on all images of the ground truth, and on no others.

    Args:
        prediction_dir: Folder of the PNGs; by default the JSON's path without its suffix.
        truth_dir: The same.

    Raises:
        UserError: A file is missing or broken, an image has no prediction, or see
            :func:`panoptic_statistics`.
    """
    content = read_panoptic_json(truth_json)
    categories = check_categories(content['categories'], truth_json)
    truths = annotations_by_image(content, truth_json)
    predictions = annotations_by_image(
        read_json(prediction_json, 'panoptic prediction'), prediction_json
    )
    true_folder = Path(truth_dir or Path(truth_json).with_suffix(''))
    folder = Path(prediction_dir or Path(prediction_json).with_suffix(''))
    absent = [number for number in truths if number not in predictions]
    if absent:
        raise UserError(
            f'{prediction_json} has no prediction for {len(absent)} of the {len(truths)} images of '
            f'{truth_json} (first: image {absent[0]}); an image in which nothing was found needs '
            'one with "segments_info": []'
        )
    if not truths:
        raise UserError(f'{truth_json} has no annotations')
    ids = [category['id'] for category in categories]
    total = np.zeros((len(ids), 4))
    for number, truth in progress(truths.items(), 'comparing', 'image'):
        prediction = predictions[number]
        try:
            total += panoptic_statistics(
                read_ids(true_folder / truth['file_name'], 'check --gt-dir'),
                read_ids(folder / prediction['file_name'], 'check --pred-dir'),
                truth['segments_info'],
                prediction['segments_info'],
                ids,
            )
        except UserError as error:
            raise UserError(f'image {number}: {error}') from None
    return PanopticScores(total, categories)
