"""Class and part maps of the embedded data set, for segmentation."""

from typing import ClassVar

from mmvisx.datasets.segmentation.seg_checked import CheckedSegDataset
from mmvisx.registry import DATASETS

from .parts import SHAPES_PARTS, SHAPES_PARTS_PALETTE
from .render import SHAPES_CLASSES, SHAPES_PALETTE, SHAPES_STUFF


@DATASETS.register_module()
class ShapesClassDataset(CheckedSegDataset):
    """Background and the classes of shapes: ``VOC2012/SegmentationClass``.

    Outlines of objects and crowds are 255.
    """

    METAINFO: ClassVar[dict] = {
        'classes': ('background', *SHAPES_CLASSES),
        'palette': [[0, 0, 0], *map(list, SHAPES_PALETTE)],
    }


@DATASETS.register_module()
class ShapesSceneDataset(CheckedSegDataset):
    """The classes of shapes and the stuff behind them: ``coco/stuffthingmaps``.

    Every pixel has a label, 10 classes.
    """

    METAINFO: ClassVar[dict] = {
        'classes': (*SHAPES_CLASSES, *SHAPES_STUFF),
        'palette': [
            *map(list, SHAPES_PALETTE),
            [145, 175, 205],
            [85, 125, 60],
            [50, 95, 120],
            [135, 85, 70],
        ],
    }


@DATASETS.register_module()
class ShapesPartDataset(CheckedSegDataset):
    """Background and the parts of shapes: ``VOC2012/SegmentationPart``.

    Made with ``tools/datasets/make_shapes.py --parts``; 255 as in the class maps.
    """

    METAINFO: ClassVar[dict] = {
        'classes': ('background', *SHAPES_PARTS),
        'palette': [[0, 0, 0], *map(list, SHAPES_PARTS_PALETTE)],
    }
