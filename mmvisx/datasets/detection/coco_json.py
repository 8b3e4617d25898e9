"""What is wrong with the content of a COCO annotation file, and its index."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterable
from typing import Any

from mmdet.datasets.api_wrappers import COCO

_HUGE = 1e9  # not infinite, but its square is in float32


def duplicates(values: Iterable[Any]) -> list[Any]:
    """The values that occur more than once."""
    return [value for value, count in Counter(values).items() if count > 1]


def valid_box(box: Any) -> bool:
    """Whether this is a list of four finite numbers, as an image in pixels can have them."""
    return (
        isinstance(box, (list, tuple))
        and len(box) == 4
        and all(isinstance(v, (int, float)) and abs(v) < _HUGE for v in box)
    )


def box_fault(box: Any, width: float, height: float) -> str | None:
    """Why an (x, y, width, height) box cannot be used in an image of that size, or None."""
    if not valid_box(box):
        return 'box is not four finite numbers'
    x, y, w, h = box
    if w <= 0 or h <= 0:
        return 'box of no area'
    if min(x + w, width) <= max(x, 0) or min(y + h, height) <= max(y, 0):
        return 'box outside the image'
    return None


def reaches_out(box: list[float], width: float, height: float) -> bool:
    """Whether more than rounding, a pixel, of a box lies outside of the image."""
    x, y, w, h = box
    return min(x, y) < -1 or x + w > width + 1 or y + h > height + 1


class OrderedCOCO(COCO):
    """COCO's index over a parsed file that lists categories in the order asked for.

    mmdet numbers the classes in the order of the file and leaves out those that the
    file lacks, which shifts the labels of all that follow. Here a class keeps the place
    it has in the list; one that the file lacks gets an id that no annotation has.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__()
        self.dataset = content
        with contextlib.redirect_stdout(io.StringIO()):  # it prints that it works
            self.createIndex()
        self.img_ann_map, self.cat_img_map = self.imgToAnns, self.catToImgs

    def get_cat_ids(self, cat_names: Iterable[str] = (), **kwargs: Any) -> list[int]:
        """Category ids of these names, in this order."""
        by_name = {category['name']: category['id'] for category in self.dataset['categories']}
        unused = min([0, *by_name.values()]) - 1
        return [by_name.get(name, unused - k) for k, name in enumerate(cat_names)]
