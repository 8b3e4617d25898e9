"""Average precision per class of result files, to compare two detectors (000, Figures 5.7, 5.8)."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmvisx.evaluation.detection.voc_metric import RULES, VOCMetric
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.predictions import SUFFIX, check_name, read_predictions
from mmvisx.visualization.detection_ap_gain import plot_ap_gain

__all__ = ['APGain', 'coco_class_ap', 'gain_table', 'read_class_ap', 'summarize', 'voc_class_ap']

ClassAP = dict[str, float]


@ANALYSES.register_module()
class APGain:
    """The gain in AP of each class from one detector to another.

    Args:
        names: Of the two detectors, for the picture.
        order: Of the classes in it: ``'before'`` or ``'gain'`` (the largest first), or
            ``'given'``.

    Source: 000, Figures 5.7 and 5.8.
    """

    def __init__(self, names: Sequence[str] = ('before', 'after'), order: str = 'before') -> None:
        self.names = names
        self.order = order

    def measure(self, before: ClassAP, after: ClassAP) -> dict[str, Any]:
        """Return ``classes`` (:func:`gain_table`) and the entries of :func:`summarize`.

        Args:
            before: AP of each class (:func:`read_class_ap`, :func:`coco_class_ap`, ...).
            after: The other's.

        Raises:
            UserError: The two have different classes.
        """
        table = gain_table(before, after)
        return {'classes': table, **summarize(table)}

    def draw(self, measured: Mapping[str, Any], out: str | Path) -> Path:
        """Draw a line per class; the suffix of ``out`` gives the format.

        Raises:
            UserError: The order or the suffix is unknown.
        """
        before, after = self.names
        return plot_ap_gain(measured['classes'], out, (before, after), self.order)


def coco_class_ap(ann_file: str | Path, results: Sequence[dict], metric: str = 'bbox') -> ClassAP:
    """Return COCO's AP (IoU 0.50 to 0.95, all sizes, 100 detections) of each class in [0, 1].

    Args:
        ann_file: COCO annotations.
        results: Detections in COCO's result format.
        metric: ``'bbox'`` or ``'segm'``.

    Raises:
        UserError: The file is broken, or the results are of other images or classes.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            truth = COCO(str(ann_file))
            found = truth.loadRes(list(results)) if results else None
        except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise UserError(f'annotations {ann_file} or the results on them: {error!r}') from error
        except AssertionError as error:  # pycocotools' way to say so
            raise UserError(
                f'the results have images that {ann_file} lacks: give the annotations of the '
                'images that were tested'
            ) from error
        categories = sorted(truth.cats)
        names = [truth.cats[category]['name'] for category in categories]
        strange = {r['category_id'] for r in results} - set(categories)
        if strange:
            raise UserError(
                f'the results have category_id {min(strange)}, which {ann_file} does not define'
            )
        if found is None:
            present = {a['category_id'] for a in truth.anns.values() if not a.get('iscrowd')}
            return {truth.cats[c]['name']: 0.0 for c in categories if c in present}
        evaluation = COCOeval(truth, found, metric)
        evaluation.params.catIds = categories
        evaluation.evaluate()
        evaluation.accumulate()
    # (thresholds, recalls, classes, sizes, limits); -1 where a class has no object.
    precision = evaluation.eval['precision'][:, :, :, 0, -1]
    values = {name: precision[:, :, i] for i, name in enumerate(names)}
    return {name: float(v[v > -1].mean()) for name, v in values.items() if (v > -1).any()}


class _ClassRows(VOCMetric):
    """Keeps the class table."""

    rows: list[dict]

    def _log_table(self, rows: list[dict], means: dict[str, float], threshold: float) -> None:
        self.rows = rows


def voc_class_ap(
    dataset: Any, predictions: Sequence[Mapping[str, Any]], rule: str = 'area', iou: float = 0.5
) -> ClassAP:
    """Return VOC's AP of each class that has objects, in [0, 1].

    Args:
        dataset: mmdet data set, whose annotations are the truth.
        predictions: Of every image: ``img_path`` or ``img_id``, and ``pred_instances`` with
            ``bboxes``, ``scores`` and ``labels``, as ``tools/test.py --out x.npz`` writes them.
        rule: ``'area'`` or ``'11points'``.
        iou: Overlap from which a detection counts as right.

    Raises:
        UserError: The predictions are of other images, or the rule is unknown.
    """
    if rule not in RULES:
        raise UserError(f'rule {rule!r} should be one of {", ".join(RULES)}')
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    by_image = {_image_key(item): item['pred_instances'] for item in predictions}
    missing = [info for info in infos if _image_key(info) not in by_image]
    if missing or len(by_image) != len(infos):
        raise UserError(
            f'the predictions are of {len(by_image)} images, the data set has {len(infos)}, of '
            f'which {len(missing)} have no prediction: test on the data set of this config'
        )
    metric = _ClassRows(iou_thrs=float(iou))
    classes = dataset.metainfo['classes']
    metric.dataset_meta = {'classes': classes}
    for info in infos:
        truth = {True: ([], []), False: ([], [])}  # type: dict[bool, tuple[list, list]]
        for instance in info['instances']:
            boxes, labels = truth[bool(instance['ignore_flag'])]
            boxes.append(instance['bbox'])
            labels.append(instance['bbox_label'])
        packed = [
            {
                'bboxes': torch.tensor(truth[ignored][0], dtype=torch.float32).reshape(-1, 4),
                'labels': torch.tensor(truth[ignored][1], dtype=torch.long),
            }
            for ignored in (False, True)
        ]
        sample = {
            'gt_instances': packed[0],
            'ignored_instances': packed[1],
            'pred_instances': by_image[_image_key(info)],
        }
        metric.process({}, [sample])
    metric.compute_metrics(metric.results)
    rows = zip(classes, metric.rows, strict=True)
    return {name: float(row[rule]) for name, row in rows if row['objects'] > 0}


def _image_key(item: Mapping[str, Any]) -> str:
    # A folder may have been moved between the test and now.
    return Path(str(item.get('img_path') or item.get('img_id'))).name


def read_class_ap(
    path: str | Path,
    ann_file: str | Path | None = None,
    dataset: Callable[[], Any] | None = None,
    metric: str = 'bbox',
    rule: str = 'area',
) -> ClassAP:
    """Return the AP of each class from a result file of any of three kinds.

    Args:
        path: A list of detections in COCO's JSON format (needs ``ann_file``); the JSON of
            metrics that ``tools/test.py --out x.json`` writes (COCO's AP of each class is in
            it); or the ``.npz`` of predictions that ``--out x.npz`` writes (needs ``dataset``
            and is evaluated by VOC's rule).
        ann_file: COCO annotations.
        dataset: Builds the data set of the test.
        metric: ``'bbox'`` or ``'segm'``, COCO only.
        rule: ``'area'`` or ``'11points'``, VOC only.

    Raises:
        UserError: The file is missing or of another kind, or what it needs was not given.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'result file {path} does not exist')
    check_name(path)
    if path.suffix == SUFFIX:
        if dataset is None:
            raise UserError(
                f'{path} holds predictions: give the config of the test, too (--config)'
            )
        predictions = _read_predictions(path)
        return voc_class_ap(dataset(), predictions, rule)
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f'result file {path} is not valid JSON: {error}') from error
    if isinstance(content, dict):
        mark = f'coco/{metric}_AP_'
        found = {k[len(mark) :]: v for k, v in content.items() if k.startswith(mark)}
        # None, as JSON writes it, and -1 are classes without objects.
        values = {name: float(v) for name, v in found.items() if v is not None and v >= 0}
        if not values:
            raise UserError(
                f'{path} has no AP of classes ({mark}NAME): write it with tools/test.py --out, '
                "and with mmvisx.CocoMetric's classwise=True"
            )
        return values
    if ann_file is None:
        raise UserError(f'{path} holds detections: give the annotations, too (--ann)')
    if not all(isinstance(item, dict) and 'image_id' in item for item in content):
        raise UserError(f"{path} is no list of detections in COCO's result format")
    return coco_class_ap(ann_file, content, metric)


def _read_predictions(path: Path) -> list[dict[str, Any]]:
    predictions = read_predictions(path)
    if not all('pred_instances' in item for item in predictions):
        raise UserError(f'{path} does not hold detections of images (tools/test.py --out x.npz)')
    return predictions


def gain_table(before: ClassAP, after: ClassAP) -> list[dict[str, Any]]:
    """Return class, AP before, AP after and gain of each class, in the order of ``before``.

    Raises:
        UserError: The two have different classes.
    """
    odd = sorted(set(before) ^ set(after))
    if odd:
        raise UserError(
            f'the two results have different classes (only one has {", ".join(odd[:5])}): they '
            'should come from the same images'
        )
    return [
        {'class': name, 'before': ap, 'after': after[name], 'gain': after[name] - ap}
        for name, ap in before.items()
    ]


def summarize(table: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the means of AP before, after and of the gain, and the counts of gains and drops."""
    gains = np.array([row['gain'] for row in table])
    return {
        **{key: float(np.mean([row[key] for row in table])) for key in ('before', 'after', 'gain')},
        'gained': int((gains > 0).sum()),
        'dropped': int((gains < 0).sum()),
    }
