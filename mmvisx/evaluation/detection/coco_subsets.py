"""COCO's average precision on a part of the objects: by size in the image, by occlusion.

gt: an annotated object. A subset is ``(quantity, low, high)``; an object belongs to it if its
quantity is at least ``low`` and below ``high``.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmvisx.utils.errors import UserError

__all__ = ['Subset', 'check_subsets', 'subset_precision']

Subset = tuple[str, float, float]


def _side(image: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    """Side of a square as large as the box, in sides of a square as large as the image."""
    _, _, width, height = item['bbox']
    return float((width * height / (image['width'] * image['height'])) ** 0.5)


def _visibility(image: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    return float(item['visibility'])


QUANTITIES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], float]] = {
    'side': _side,
    'visibility': _visibility,
}


def check_subsets(subsets: Mapping[str, Subset], gt: COCO | None) -> None:
    """Refuse subsets that cannot be formed.

    Raises:
        UserError: there is no annotation file, a quantity is unknown, or the annotations
            lack their ``visibility``.
    """
    if subsets and gt is None:
        raise UserError('CocoMetric: subsets need ann_file')
    for name, (quantity, low, high) in subsets.items():
        if quantity not in QUANTITIES or not low < high:
            raise UserError(
                f'CocoMetric: subsets[{name!r}]={(quantity, low, high)!r} should be a quantity of '
                f'{", ".join(QUANTITIES)} and two numbers, the first one lower'
            )
        if quantity == 'visibility' and gt is not None:
            bare = next((k for k, ann in gt.anns.items() if 'visibility' not in ann), None)
            if bare is not None:
                raise UserError(
                    f"CocoMetric: subsets[{name!r}]: annotation id {bare} has no 'visibility', the "
                    'share of the object that can be seen'
                )


def subset_precision(
    gt: COCO,
    detections: Sequence[Mapping[str, Any]],
    categories: Sequence[int],
    metric: str,
    subset: Subset,
) -> float:
    """Return COCO's AP, IoU 0.50 to 0.95, on the objects of a subset.

    As COCO does with its sizes: other objects are ignored, and so are detections that meet
    one of them. A detection that meets none is a mistake if the subset goes by size and the
    detection's own is in it; a detection has no occlusion, so there every such one is.

    Args:
        gt: All objects.
        detections: In COCO's format of results.
        categories: Ids of the classes.
        metric: ``'bbox'`` or ``'segm'``.
        subset: Which objects count.

    Returns:
        Between 0 and 1; -1 if no object belongs to the subset.
    """
    quantity, low, high = subset

    def belongs(item: Mapping[str, Any]) -> bool:
        return low <= QUANTITIES[quantity](gt.imgs[item['image_id']], item) < high

    def counts(item: Mapping[str, Any]) -> bool:
        return belongs(item) if quantity == 'side' else True

    # COCOeval ignores by area: here the area says whether something counts.
    known = COCO()
    known.dataset = {
        **gt.dataset,
        'annotations': [{**ann, 'area': float(belongs(ann))} for ann in gt.dataset['annotations']],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        known.createIndex()
        found = known.loadRes([dict(item) for item in detections])
        for item in found.anns.values():
            item['area'] = float(counts(item))
        evaluation = COCOeval(known, found, metric)
        evaluation.params.catIds = list(categories)
        evaluation.params.areaRng = [[0.5, 2.0]]
        evaluation.params.areaRngLbl = ['all']
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval['precision'][:, :, :, 0, -1]
    precision = precision[precision > -1]
    return float(precision.mean()) if precision.size else -1.0
