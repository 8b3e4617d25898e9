"""Pascal VOC mean average precision by both rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.evaluation import VOCMetric as _VOCMetric
from mmdet.evaluation.functional.mean_ap import average_precision, get_cls_results, tpfp_default
from mmengine.logging import print_log
from terminaltables import AsciiTable

from mmvisx.registry import METRICS
from mmvisx.utils.errors import UserError

RULES = {'11points': 'mAP_11points', 'area': 'mAP_area'}


def voc_average_precision(recalls: np.ndarray, precisions: np.ndarray, rule: str) -> float:
    """Average precision of one class, in [0, 1].

    Args:
        recalls: ``(D,)``, after each detection in the order of falling scores.
        precisions: ``(D,)``.
        rule: ``'11points'`` (VOC2007): mean over r = 0, 0.1, ..., 1 of the best precision
            at a recall >= r; ``'area'`` (VOC2010 on): area under the curve of the best
            precision at a recall >= r.

    Differs from mmdet: 3 of 10 objects found reach the level 0.3. mmdet (like the VOC
    devkit) compares with 3 * 0.1, which in floating point is above 0.3.
    """
    if rule == '11points':
        recalls = recalls + 1e-9
    return float(average_precision(recalls, precisions, rule))


@METRICS.register_module()
class VOCMetric(_VOCMetric):
    """VOC mAP by the 11-point and by the area rule in one evaluation, with a class table.

    Results are ``voc/mAP_11points`` and ``voc/mAP_area`` (means over ``iou_thrs``) and, per
    threshold, ``voc/AP50_11points``, ``voc/AP50_area``; in [0, 1], not rounded. As in the
    devkit: boxes include their last pixel (width = x2 - x1 + 1); a detection is compared with
    the object it overlaps most; an object marked difficult is neither found nor missed; a
    class without objects does not count.

    Args:
        iou_thrs: overlap from which a detection counts as right, in (0, 1].
    """

    default_prefix = 'voc'

    def __init__(
        self,
        iou_thrs: float | Sequence[float] = 0.5,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        thresholds = [iou_thrs] if isinstance(iou_thrs, float) else list(iou_thrs)
        if not thresholds or not all(0 < t <= 1 for t in thresholds):
            raise UserError(f'VOCMetric: iou_thrs={iou_thrs} should be numbers in (0, 1]')
        super().__init__(iou_thrs=thresholds, collect_device=collect_device, prefix=prefix)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the ground truth and the predictions of a batch."""
        for sample in data_samples:
            if 'gt_instances' not in sample or 'ignored_instances' not in sample:
                raise UserError(
                    f'VOCMetric: image {sample.get("img_path")} comes without ground truth; put '
                    "dict(type='LoadAnnotations', with_bbox=True) into the test pipeline, after "
                    'the transforms that change the size'
                )
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Evaluate all images; logs one table per threshold."""
        truths, detections = zip(*results, strict=True)
        metrics: dict[str, float] = {}
        for threshold in self.iou_thrs:
            rows = [
                _evaluate_class(detections, truths, index, threshold)
                for index in range(len(self.dataset_meta['classes']))
            ]
            means = {}
            for rule, name in RULES.items():
                values = [row[rule] for row in rows if row['objects'] > 0]
                means[rule] = float(np.mean(values)) if values else 0.0
                metrics[f'AP{round(100 * threshold):02d}_{rule}'] = means[rule]
                metrics[name] = metrics.get(name, 0.0) + means[rule] / len(self.iou_thrs)
            self._log_table(rows, means, threshold)
        return {name: metrics[name] for name in (*RULES.values(), *sorted(metrics))}

    def _log_table(self, rows: list[dict], means: dict[str, float], threshold: float) -> None:
        table = [['class', 'objects', 'difficult', 'detections', 'recall', *RULES]]
        for name, row in zip(self.dataset_meta['classes'], rows, strict=True):
            counts = [str(row[key]) for key in ('objects', 'difficult', 'detections')]
            shown = [f'{row[key]:.3f}' if row['objects'] else '-' for key in ('recall', *RULES)]
            table.append([name, *counts, *shown])
        table.append(['mean', '', '', '', '', *(f'{means[rule]:.3f}' for rule in RULES)])
        printed = AsciiTable(table, title=f'VOC, IoU >= {threshold}')
        printed.inner_footing_row_border = True
        print_log(f'\n{printed.table}', logger='current')


def _evaluate_class(
    detections: Sequence[list[np.ndarray]],
    truths: Sequence[dict[str, np.ndarray]],
    index: int,
    threshold: float,
) -> dict[str, Any]:
    dets, objects, difficult = get_cls_results(detections, truths, index)
    matched = [
        tpfp_default(d, o, i, threshold, use_legacy_coordinate=True)
        for d, o, i in zip(dets, objects, difficult, strict=True)
    ]
    order = np.argsort(-np.vstack(dets)[:, -1], kind='stable')
    right = np.cumsum(np.hstack([m[0][0] for m in matched])[order], dtype=float)
    wrong = np.cumsum(np.hstack([m[1][0] for m in matched])[order], dtype=float)
    count = sum(len(o) for o in objects)
    recalls = right / max(count, 1)
    # A detection on a difficult object is neither; before the first other one both are zero.
    precisions = right / np.maximum(right + wrong, 1)
    return {
        'objects': count,
        'difficult': sum(len(i) for i in difficult),
        'detections': len(order),
        'recall': float(recalls[-1]) if len(recalls) else 0.0,
        **{rule: voc_average_precision(recalls, precisions, rule) for rule in RULES},
    }
