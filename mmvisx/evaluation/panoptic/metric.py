"""Panoptic quality of a model's predictions, while it is tested."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.structures import INSTANCE_OFFSET
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmvisx.datasets.panoptic.annotations import read_panoptic_json
from mmvisx.evaluation.panoptic.format import (
    annotations_by_image,
    check_categories,
    read_ids,
)
from mmvisx.evaluation.panoptic.quality import PanopticScores, panoptic_statistics
from mmvisx.registry import METRICS
from mmvisx.utils import UserError


@METRICS.register_module()
class PanopticQualityMetric(BaseMetric):
    """COCO's PQ, SQ and RQ of mmdet's panoptic models, without ``panopticapi``.

    Reads ``pred_panoptic_seg.sem_seg`` ``(1, H, W)``: label + 1000 x number of the instance,
    at the size of the image; the label after the last class is void. Results are
    ``panoptic/PQ``, ``PQ_th``, ``PQ_st`` and so on, in [0, 1] (mmdet's are in percent), NaN for
    a kind that does not occur.

    Args:
        ann_file: COCO panoptic JSON; its categories are matched with the data set's classes by
            name.
        seg_prefix: Folder of the PNGs; by default the path of ``ann_file`` without its suffix.
        classwise: log a row for each class.

    Raises:
        UserError: A file is missing or broken, or does not fit the data set or the model.

    Source: 001, Table 6-VI.
    """

    default_prefix = 'panoptic'

    def __init__(
        self,
        ann_file: str | os.PathLike,
        seg_prefix: str | os.PathLike | None = None,
        classwise: bool = True,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        content = read_panoptic_json(ann_file)
        self.ann_file = ann_file
        self.folder = Path(seg_prefix or Path(ann_file).with_suffix(''))
        self.classwise = classwise
        self.categories = check_categories(content['categories'], ann_file)
        self._truths = annotations_by_image(content, ann_file)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score the predictions of a batch."""
        for sample in data_samples:
            number = sample['img_id']
            if number not in self._truths:
                raise UserError(
                    f'PanopticQualityMetric: image {number} is not in {self.ann_file}; set '
                    'ann_file to that of the data set'
                )
            truth = self._truths[number]
            ids, segments = self._segments(sample)
            try:
                statistics = panoptic_statistics(
                    read_ids(self.folder / truth['file_name'], 'set seg_prefix'),
                    ids,
                    truth['segments_info'],
                    segments,
                    [category['id'] for category in self.categories],
                )
            except UserError as error:
                raise UserError(f'PanopticQualityMetric, image {number}: {error}') from None
            self.results.append(statistics)

    def _segments(self, sample: dict) -> tuple[np.ndarray, list[dict[str, int]]]:
        if 'pred_panoptic_seg' not in sample:
            raise UserError(
                'PanopticQualityMetric: the model gives no pred_panoptic_seg; it needs a panoptic '
                'model (merge detections and stuff with tools/panoptic/merge.py otherwise)'
            )
        prediction = sample['pred_panoptic_seg']
        classes = self.dataset_meta['classes']
        void = {len(classes), prediction.get('ignore_index', len(classes))}
        by_name = {category['name']: category['id'] for category in self.categories}
        # The label 0 of the instance 0 is a segment, too, so number them from 1.
        values, places = np.unique(prediction['sem_seg'].cpu().numpy()[0], return_inverse=True)
        numbers, segments = np.zeros(len(values), np.int32), []
        for k, label in enumerate((values % INSTANCE_OFFSET).tolist()):
            if label in void:
                continue
            if not 0 <= label < len(classes) or classes[label] not in by_name:
                name = classes[label] if 0 <= label < len(classes) else 'none'
                raise UserError(
                    f'PanopticQualityMetric: predicted label {label} (class {name}) has no '
                    f'category in {self.ann_file}'
                )
            numbers[k] = k + 1
            segments.append({'id': k + 1, 'category_id': by_name[classes[label]]})
        return numbers[places].reshape(prediction['sem_seg'].shape[-2:]), segments

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Sum over all images; logs the table."""
        scores = PanopticScores(np.sum(results, axis=0), self.categories)
        if self.classwise:
            print_log(f'\n{scores.table()}', logger='current')
        return scores.metrics()
