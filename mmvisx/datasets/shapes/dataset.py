"""The embedded data set in its two layouts."""

from typing import ClassVar

from mmvisx.datasets.detection.coco import CocoDataset
from mmvisx.datasets.detection.voc import VOCDataset
from mmvisx.registry import DATASETS

from .render import SHAPES_CLASSES, SHAPES_PALETTE


@DATASETS.register_module()
class ShapesDataset(CocoDataset):
    """The shapes of ``tools/datasets/make_shapes.py`` in COCO layout."""

    METAINFO: ClassVar[dict] = {'classes': SHAPES_CLASSES, 'palette': SHAPES_PALETTE}


@DATASETS.register_module()
class ShapesVOCDataset(VOCDataset):
    """The shapes of ``tools/datasets/make_shapes.py`` in PASCAL VOC layout."""

    METAINFO: ClassVar[dict] = {'classes': SHAPES_CLASSES, 'palette': SHAPES_PALETTE}
