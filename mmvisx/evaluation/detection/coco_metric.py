"""COCO box and mask average precision."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.evaluation import CocoMetric as _CocoMetric
from mmengine.fileio import get_local_path
from mmengine.logging import print_log
from pycocotools import mask as mask_utils

from mmvisx.datasets.detection.coco_faults import take_over
from mmvisx.datasets.detection.coco_json import OrderedCOCO
from mmvisx.registry import METRICS
from mmvisx.utils.errors import UserError

from .coco_subsets import Subset, check_subsets, subset_precision


@METRICS.register_module()
class CocoMetric(_CocoMetric):
    """mmdet's COCO metric with a class table, and with errors for what does not fit.

    Args:
        ann_file: COCO JSON. Without it the ground truth is that of the data set, whatever its
            format: ``PackDetInputs`` of the test pipeline has ``'instances'`` in its ``meta_keys``.
        metric: ``'bbox'``, ``'segm'`` or both (and mmdet's proposal metrics).
        classwise: log AP per class and return it as ``coco/bbox_AP_{class}`` and
            ``coco/segm_AP_{class}``.
        subsets: name -> (quantity, low, high): AP on the objects whose quantity is at least
            ``low`` and below ``high`` is returned, too, as ``coco/bbox_mAP_{name}``. Quantities
            are ``'side'``, the root of the box's share of the image, and ``'visibility'``, a
            field of the annotations.
        **kwargs: of mmdet's metric.

    Raises:
        UserError: the annotation file is missing or broken, has no object but crowds, none of
            the data set's classes, or objects without masks while ``'segm'`` is asked for; a
            subset cannot be formed.
    """

    metrics: list[str]

    def __init__(
        self,
        ann_file: str | None = None,
        metric: str | list[str] = 'bbox',
        classwise: bool = True,
        subsets: Mapping[str, Subset] | None = None,
        **kwargs: Any,
    ) -> None:
        self.ann_file = ann_file
        self.subsets = dict(subsets or {})
        super().__init__(metric=metric, classwise=classwise, **kwargs)
        if ann_file is not None:
            self._coco_api = self._read(ann_file)
        check_subsets(self.subsets, self._coco_api)

    def _read(self, ann_file: str) -> OrderedCOCO:
        """Take the file from the data set that has read and checked it, or read and check it."""
        if '://' not in ann_file and not Path(ann_file).is_file():
            raise UserError(
                f'CocoMetric: annotation file {ann_file} does not exist; set '
                'val_evaluator.ann_file and test_evaluator.ann_file'
            )
        with get_local_path(ann_file, backend_args=self.backend_args) as path:
            content = take_over(path)
        annotations = content['annotations']
        if not self.format_only and all(a['iscrowd'] for a in annotations):
            raise UserError(
                f'CocoMetric: {ann_file} has no object to be found: '
                f'{len(content["images"])} images, {len(annotations)} annotations, all of '
                'them crowds. AP of nothing is no number: give the file with the objects, or '
                'format_only=True'
            )
        bare = next((a for a in annotations if not a.get('segmentation')), None)
        if 'segm' in self.metrics and bare is not None:
            raise UserError(
                f"CocoMetric: metric 'segm' needs masks, but annotation id {bare['id']} of "
                f"{ann_file} has no 'segmentation'; use metric='bbox'"
            )
        return OrderedCOCO(content)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch."""
        bare = bool(data_samples) and 'masks' not in data_samples[0]['pred_instances']
        if bare and 'segm' in self.metrics:
            raise UserError(
                "CocoMetric: metric 'segm' is asked for, but the model predicts no masks; "
                "use metric='bbox'"
            )
        if self._coco_api is None:
            self._check_truth(data_samples)
        super().process(data_batch, data_samples)

    def _check_truth(self, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            if 'instances' not in sample:
                raise UserError(
                    'CocoMetric: no ann_file, and the samples bring no ground truth: add '
                    "'instances' to meta_keys of PackDetInputs in the pipeline, or set ann_file"
                )
            if 'segm' in self.metrics and not all('mask' in item for item in sample['instances']):
                raise UserError(
                    "CocoMetric: metric 'segm' needs masks, but an object in "
                    f"{sample.get('img_path')} has only a box; use metric='bbox'"
                )

    def gt_to_coco_json(self, gt_dicts: Sequence[dict], outfile_prefix: str) -> str:
        """Write the data set's own objects as a COCO file; returns its path.

        The area of an object with a mask is that of the mask, as in COCO's files, not of its box as
        mmdet has it: AP of small, medium and large objects depends on it.
        """
        path = Path(super().gt_to_coco_json(gt_dicts, outfile_prefix))
        content = json.loads(path.read_text(encoding='utf-8'))
        sizes = {image['id']: (image['height'], image['width']) for image in content['images']}
        for item in content.setdefault('annotations', []):
            mask = item.get('segmentation')
            if isinstance(mask, list):
                mask = mask_utils.merge(mask_utils.frPyObjects(mask, *sizes[item['image_id']]))
            elif mask is not None and isinstance(mask['counts'], list):
                mask = mask_utils.frPyObjects(mask, *mask['size'])
            if mask is not None:
                item['area'] = float(mask_utils.area(mask))
        path.write_text(json.dumps(content), encoding='utf-8')
        return str(path)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Evaluate all images."""
        if self._coco_api is not None:
            self._number_classes()
            results = [
                (gt, {**pred, 'labels': self._place[pred['labels']]}) for gt, pred in results
            ]
        if not self.format_only and not any(len(pred['labels']) for _, pred in results):
            # mmdet logs this and returns nothing, after which "save best" fails.
            print_log(
                'the model detected nothing in any image: AP is 0',
                logger='current',
                level=logging.WARNING,
            )
            items = self.metric_items or [
                'mAP',
                'mAP_50',
                'mAP_75',
                'mAP_s',
                'mAP_m',
                'mAP_l',
            ]
            metrics = [m for m in self.metrics if m in ('bbox', 'segm')]
            items = [*items, *(f'mAP_{name}' for name in self.subsets)]
            return {f'{metric}_{item}': 0.0 for metric in metrics for item in items}
        return {**self._evaluate_each(results), **self._evaluate_subsets(results)}

    def _evaluate_each(self, results: list) -> dict[str, float]:
        # mmdet calls the AP of a class "{class}_precision" for boxes and for masks alike, so
        # that the one overwrites the other: evaluate one kind at a time and rename.
        asked = self.metrics
        metrics: dict[str, float] = {}
        try:
            for metric in asked:
                self.metrics = [metric]
                for key, value in super().compute_metrics(results).items():
                    if key.endswith('_precision'):
                        key = f'{metric}_AP_{key.removesuffix("_precision")}'
                    metrics[key] = float(value)
        finally:
            self.metrics = asked
        return metrics

    def _evaluate_subsets(self, results: list) -> dict[str, float]:
        found: dict[str, float] = {}
        if not self.subsets or self.format_only:
            return found
        with tempfile.TemporaryDirectory() as folder:
            files = self.results2json([pred for _, pred in results], f'{folder}/results')
            for metric in self.metrics:
                detections = json.loads(Path(files[metric]).read_text(encoding='utf-8'))
                for name, subset in self.subsets.items():
                    found[f'{metric}_mAP_{name}'] = subset_precision(
                        self._coco_api, detections, self.cat_ids, metric, subset
                    )
        return found

    def _number_classes(self) -> None:
        """Find each class's category by name, and its place in the sorted categories.

        mmdet takes the categories in the order of the file, which mixes the classes up when
        ``metainfo`` has them in another. A class that the file lacks has no objects to find.
        """
        classes = self.dataset_meta['classes']
        ids = {category['name']: category['id'] for category in self._coco_api.cats.values()}
        absent = [name for name in classes if name not in ids]
        if len(absent) == len(classes):
            raise UserError(
                f'CocoMetric: {self.ann_file} has no category {", ".join(absent)}; it has '
                f'{", ".join(ids)}. Set metainfo=dict(classes=...) of the data set to the names '
                'in the file'
            )
        for name in absent:
            ids[name] = max(ids.values()) + 1
            self._coco_api.cats[ids[name]] = dict(id=ids[name], name=name)
        if absent:
            print_log(
                f'{self.ann_file} has no category {", ".join(absent)}: no AP for them',
                logger='current',
                level=logging.WARNING,
            )
        # COCOeval sorts the ids, and mmdet's class table counts on their being sorted.
        self.cat_ids = sorted(ids[name] for name in classes)
        self._place = np.array([self.cat_ids.index(ids[name]) for name in classes])
