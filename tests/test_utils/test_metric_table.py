"""Tables of what evaluators return."""

import io

import numpy as np
import pytest
from rich.console import Console

from mmvisx.utils.metric_table import class_table, headline, metric_table

COCO = {
    'coco/bbox_AP_cat': 0.5,
    'coco/bbox_AP_small_dog': 0.1,
    'coco/bbox_mAP': 0.3123,
    'coco/bbox_mAP_50': 0.61,
    'coco/bbox_mAP_s': -1.0,
    'coco/segm_AP_cat': 0.4,
    'coco/segm_mAP': 0.25,
    'coco/segm_mAP_50': float('nan'),
}
CLASSES = ['cat', 'small_dog']


def words(table):
    """The words of each line of a table."""
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    return [line.split() for line in console.file.getvalue().splitlines()]


def test_boxes_and_masks_are_rows():
    assert words(metric_table(COCO, CLASSES)) == [
        ['AP', 'AP50', 'AP', 'small'],
        ['box', '0.312', '0.610', '-'],
        ['mask', '0.250', '-'],
    ]


def test_classes_have_a_table_of_their_own():
    assert words(class_table(COCO, CLASSES)) == [
        ['box', 'AP', 'mask', 'AP'],
        ['cat', '0.500', '0.400'],
        ['small_dog', '0.100'],
    ]
    assert class_table({'accuracy/top1': 90.0}, CLASSES) is None


def test_other_metrics_keep_their_names():
    voc = {'pascal_voc/mAP': 0.75, 'pascal_voc/mAP_area': 0.8, 'pascal_voc/AP50_area': 0.8}
    assert words(metric_table(voc)) == [
        ['mAP', 'mAP_area', 'AP50_area'],
        ['0.750', '0.800', '0.800'],
    ]
    assert words(metric_table({'accuracy/top1': np.float32(93.456)})) == [['top1'], ['93.46']]
    segmentation = {'aAcc': 91.2, 'mIoU': 55.123, 'mAcc': 60.0}
    assert words(metric_table(segmentation)) == [
        ['aAcc', 'mIoU', 'mAcc'],
        ['91.20', '55.12', '60.00'],
    ]


def test_tasks_are_rows():
    tasks = {'person/mIoU': 40.0, 'person/val_loss': 0.51, 'part/mIoU': 30.0}
    assert words(metric_table(tasks)) == [
        ['mIoU', 'val_loss'],
        ['person', '40.00', '0.510'],
        ['part', '30.00'],
    ]


def test_many_measures_stand_below_each_other():
    many = {f'coco/bbox_mAP_{n}': n / 100 for n in range(10, 90, 10)}
    assert words(metric_table(many))[1] == ['box', 'AP10', '0.100']


def test_what_is_no_number_is_left_out():
    assert words(metric_table({'a': 1, 'file': 'x.json', 'matrix': [[1, 2]]})) == [['a'], ['1.000']]


@pytest.mark.parametrize(
    ('metrics', 'text'),
    [
        (COCO, 'box AP 0.312, mask AP 0.250'),
        ({'aAcc': 91.2, 'mIoU': 55.123}, 'mIoU 55.12'),
        ({'accuracy/top1': 93.4, 'accuracy/top5': 99.0}, 'top1 93.40'),
        ({'person/mIoU': 40.0, 'part/mIoU': 30.0}, 'person mIoU 40.00, part mIoU 30.00'),
        ({}, ''),
    ],
)
def test_headline(metrics, text):
    assert headline(metrics, CLASSES) == text
