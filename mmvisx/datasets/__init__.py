"""Data sets and what feeds them."""

from .camvid import CamVidDataset
from .coco import CocoDataset
from .image_folder import ImageFolder, ImageNet
from .shapes import SHAPES_CLASSES, SHAPES_STUFF
from .shapes_dataset import ShapesDataset, ShapesVOCDataset
from .voc import VOCDataset

__all__ = [
    'SHAPES_CLASSES',
    'SHAPES_STUFF',
    'CamVidDataset',
    'CocoDataset',
    'ImageFolder',
    'ImageNet',
    'ShapesDataset',
    'ShapesVOCDataset',
    'VOCDataset',
]
