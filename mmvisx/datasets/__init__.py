"""Data sets and what feeds them."""

from .camvid import CamVidDataset
from .coco import CocoDataset
from .grid_connectivity import GridConnectivity
from .image_folder import ImageFolder, ImageNet
from .multi_task_dataset import MultiTaskDataset
from .pascal_person_part import PERSON_PARTS, PascalPersonPartDataset
from .seg_checked import LIPDataset, PascalVOCDataset, SegmentationDataset
from .shapes import SHAPES_CLASSES, SHAPES_STUFF
from .shapes_dataset import ShapesDataset, ShapesVOCDataset
from .shapes_masks import ShapesClassDataset, ShapesPartDataset, ShapesSceneDataset
from .shapes_parts import SHAPES_PARTS
from .voc import VOCDataset

__all__ = [
    'PERSON_PARTS',
    'SHAPES_CLASSES',
    'SHAPES_PARTS',
    'SHAPES_STUFF',
    'CamVidDataset',
    'CocoDataset',
    'GridConnectivity',
    'ImageFolder',
    'ImageNet',
    'LIPDataset',
    'MultiTaskDataset',
    'PascalPersonPartDataset',
    'PascalVOCDataset',
    'SegmentationDataset',
    'ShapesClassDataset',
    'ShapesDataset',
    'ShapesPartDataset',
    'ShapesSceneDataset',
    'ShapesVOCDataset',
    'VOCDataset',
]
