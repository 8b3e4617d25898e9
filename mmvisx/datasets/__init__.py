"""Data sets and what feeds them."""

from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.datasets.classification.few_shot_sets import BankBatches, StatisticSets
from mmvisx.datasets.classification.grid_connectivity import GridConnectivity
from mmvisx.datasets.classification.image_folder import ImageFolder, ImageNet
from mmvisx.datasets.classification.semi_supervised import LabelledImages, SemiSupervised
from mmvisx.datasets.classification.svhn import SVHN
from mmvisx.datasets.detection.coco import CocoDataset
from mmvisx.datasets.detection.labelme import LabelMeDataset
from mmvisx.datasets.detection.voc import VOCDataset
from mmvisx.datasets.detection.yolo import YoloDataset
from mmvisx.datasets.features.embedded_clustering.subsets import ImbalancedVectors, VectorSplit
from mmvisx.datasets.features.embedded_clustering.vectors import VectorDataset, whole_batch
from mmvisx.datasets.panoptic.vip_deeplab_dataset import DVPSDataset, ShapesVideoDataset
from mmvisx.datasets.segmentation.camvid import CamVidDataset
from mmvisx.datasets.segmentation.multi_task_dataset import MultiTaskDataset
from mmvisx.datasets.segmentation.pascal_person_part import PERSON_PARTS, PascalPersonPartDataset
from mmvisx.datasets.segmentation.seg_checked import (
    LIPDataset,
    PascalVOCDataset,
    SegmentationDataset,
)
from mmvisx.datasets.shapes.dataset import ShapesDataset, ShapesVOCDataset
from mmvisx.datasets.shapes.masks import ShapesClassDataset, ShapesPartDataset, ShapesSceneDataset
from mmvisx.datasets.shapes.parts import SHAPES_PARTS
from mmvisx.datasets.shapes.render import SHAPES_CLASSES, SHAPES_STUFF

__all__ = [
    'PERSON_PARTS',
    'SHAPES_CLASSES',
    'SHAPES_PARTS',
    'SHAPES_STUFF',
    'SVHN',
    'ActivationBank',
    'BankBatches',
    'CamVidDataset',
    'CocoDataset',
    'DVPSDataset',
    'GridConnectivity',
    'ImageFolder',
    'ImageNet',
    'ImbalancedVectors',
    'LIPDataset',
    'LabelMeDataset',
    'LabelledImages',
    'MultiTaskDataset',
    'PascalPersonPartDataset',
    'PascalVOCDataset',
    'SegmentationDataset',
    'SemiSupervised',
    'ShapesClassDataset',
    'ShapesDataset',
    'ShapesPartDataset',
    'ShapesSceneDataset',
    'ShapesVOCDataset',
    'ShapesVideoDataset',
    'StatisticSets',
    'VOCDataset',
    'VectorDataset',
    'VectorSplit',
    'YoloDataset',
    'whole_batch',
]
