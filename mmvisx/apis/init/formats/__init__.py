"""The formats of data that are recognised."""

from .base import Format, Part
from .coco import Coco
from .folders import Folders
from .labelme import LabelMe
from .masks import Masks
from .voc import Voc
from .yolo import Yolo

__all__ = ['FORMATS', 'Format', 'Part']

FORMATS: dict[str, type[Format]] = {
    kind.name: kind for kind in (Coco, Voc, Yolo, LabelMe, Masks, Folders)
}
