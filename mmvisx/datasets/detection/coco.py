"""COCO-format data with checks: nothing is skipped in silence."""

from __future__ import annotations

from typing import Any

from mmdet.datasets import CocoDataset as _CocoDataset

from mmvisx.registry import DATASETS
from mmvisx.utils import UserError

from .checked import CheckedDataset
from .coco_faults import hand_over, read_checked_coco
from .coco_json import OrderedCOCO, box_fault, reaches_out


@DATASETS.register_module()
class CocoDataset(CheckedDataset, _CocoDataset):
    """mmdet's COCO data set; faults of the file are errors or are counted in the log.

    A class has the label of its place in ``metainfo['classes']``, whatever the order of
    the file's categories. Of objects whose class is not in the list, whose box has no
    area or lies outside of the image, the log tells how many were skipped.

    Args:
        max_refetch: How many images in a row a pipeline may drop.

    Raises:
        UserError: See :func:`~mmvisx.datasets.detection.coco_faults.read_checked_coco`;
            none of the classes is in the file; an object has no mask, and the pipeline
            loads masks.

    Evaluate with ``mmvisx.CocoMetric``: mmdet's numbers classes in the file's order.
    """

    def __init__(self, *args: Any, max_refetch: int = 100, **kwargs: Any) -> None:
        super().__init__(*args, max_refetch=max_refetch, **kwargs)

    def COCOAPI(self, path: str) -> OrderedCOCO:  # noqa: N802
        """Read and check the file; mmdet calls this name to open one."""
        content = read_checked_coco(path)
        self._check_classes([category['name'] for category in content['categories']])
        known = {category['id'] for category in content['categories']}
        images = {image['id'] for image in content['images']}
        for annotation in content['annotations']:
            if annotation['category_id'] not in known:
                problem = f'category_id {annotation["category_id"]} that the file does not define'
                self.note(problem, f'annotation {annotation["id"]}')
            if annotation['image_id'] not in images:
                self.note('annotation of an unknown image', f'annotation {annotation["id"]}')
        self._with_masks = any(getattr(s, 'with_mask', False) for s in self.pipeline.transforms)
        self._names = {category['id']: category['name'] for category in content['categories']}
        if self.test_mode:
            hand_over(path, content)
        return OrderedCOCO(content)

    def _check_classes(self, names: list[str]) -> None:
        classes = list(self.metainfo['classes'])
        missing = [name for name in classes if name not in names]
        if len(missing) == len(classes):
            raise UserError(
                f'annotation file {self.ann_file} has none of the classes in metainfo: the file '
                f'has {_listed(names)}, metainfo has {_listed(classes)}. Set '
                "metainfo=dict(classes=(...)) of the data set to the file's names"
            )
        for name in missing:
            self.note('class of metainfo that the file does not have', name)

    def parse_data_info(self, raw_data_info: dict[str, Any]) -> dict[str, Any]:
        """mmdet's record of one image, made from the usable annotations only."""
        image = raw_data_info['raw_img_info']
        usable = [a for a in raw_data_info['raw_ann_info'] if self._usable(a, image)]
        if self._with_masks:
            bare = next((a for a in usable if not a.get('segmentation')), None)
            if bare is not None:
                raise UserError(
                    f'annotation file {self.ann_file}: annotation {bare["id"]} in '
                    f'{image["file_name"]} has a box but no segmentation, and the pipeline loads '
                    'masks: add it, or use a detector without masks and '
                    'LoadAnnotations(with_mask=False)'
                )
        return super().parse_data_info({'raw_img_info': image, 'raw_ann_info': usable})

    def _usable(self, annotation: dict[str, Any], image: dict[str, Any]) -> bool:
        example = f'annotation {annotation["id"]} in {image["file_name"]}'
        category = annotation['category_id']
        if category not in self.cat_ids:
            if category in self._names:
                self.note(f'class {self._names[category]!r} that metainfo does not have', example)
            return False
        box: Any = annotation.get('bbox')
        fault = box_fault(box, image['width'], image['height'])
        if fault is None and (box[2] < 1 or box[3] < 1):
            fault = 'box narrower than a pixel'
        if fault is None:
            if annotation.setdefault('area', box[2] * box[3]) <= 0:
                fault = "object whose 'area' is not positive"
            elif reaches_out(box, image['width'], image['height']):
                self.note('box partly outside the image (kept)', example)
        if fault is not None:
            self.note(fault, example)
        return fault is None


def _listed(names: list[str], most: int = 100) -> str:
    """Names for a message, the first ``most`` of them."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f'({", ".join(map(repr, names[:most]))}{more})'
