"""Contract cases of what belongs to no document's method."""

import cv2
import numpy as np
import torch
from mmengine.structures import InstanceData

from mmvisx.datasets.shapes.parts import SHAPES_PARTS
from mmvisx.datasets.shapes.render import SHAPES_CLASSES, SHAPES_STUFF
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from tests.contract.case import DatasetCase, HookCase, MetricCase, OptimCase, TransformCase
from tests.contract.samples import SEG_CLASSES, SIZE, file_sample, picture, write_maps
from tests.helpers.datasets import (
    CLASSES,
    coco_content,
    labelme_shape,
    voc_xml,
    write_coco,
    write_labelme,
    write_voc,
    write_yolo,
)

IMAGES = [('cat', (5, 6, 15, 16)), ('dog', (9, 6, 19, 16))]


def coco(folder):
    """Two images with a cat and a dog each."""
    write_coco(folder, coco_content())
    files = dict(data_root=str(folder), ann_file='ann.json', data_prefix=dict(img='img/'))
    return dict(files, metainfo=dict(classes=CLASSES))


def yolo(folder):
    write_yolo(folder, {'1': '0 0.5 0.5 0.25 0.5\n', '2': '1 0.1 0.1 0.5 0.1 0.5 0.5\n'})
    return dict(data_root=str(folder), ann_file='data.yaml', split='train')


def labelme(folder):
    cat = labelme_shape('cat', [[4, 5], [14, 5], [14, 13]])
    dog = labelme_shape('dog', [[8, 5], [18, 13]], 'rectangle')
    write_labelme(folder / 'files', {'1': [cat, dog], '2': [dog]})
    return dict(data_root=str(folder), data_prefix=dict(img='files'))


def voc(folder):
    """Two images with a cat and a dog each."""
    write_voc(folder, {str(k): voc_xml(IMAGES, str(k)) for k in (1, 2)})
    return dict(
        data_root=str(folder),
        ann_file='VOC2012/ImageSets/Main/train.txt',
        data_prefix=dict(sub_data_root='VOC2012/'),
        metainfo=dict(classes=CLASSES),
    )


def shapes(ann_file, **prefix):
    """Three rendered training images, of which one data set reads what it is for."""

    def config(folder):
        make_shapes(folder / 'shapes', ShapesConfig(train=3, val=1, size=48, parts=True))
        return dict(data_root=str(folder / 'shapes'), ann_file=ann_file, data_prefix=prefix)

    return config


def shape_maps(maps):
    """The same with label maps, by a list of names."""
    voc_files = 'VOCdevkit/VOC2012/'
    return shapes(
        f'{voc_files}ImageSets/Segmentation/train.txt',
        img_path=f'{voc_files}JPEGImages',
        seg_map_path=maps,
    )


def folders(folder):
    """Three classes of two images."""
    for number, name in enumerate(('ant', 'bee', 'cow')):
        (folder / 'train' / name).mkdir(parents=True)
        for index in range(2):
            image = np.full((8, 9, 3), 40 * index + number, np.uint8)
            cv2.imwrite(str(folder / 'train' / name / f'{index}.png'), image)
    return dict(data_root=str(folder), data_prefix='train', num_classes=3)


def imagenet(folder):
    """The validation set in one folder, with a list."""
    (folder / 'val').mkdir()
    (folder / 'meta').mkdir()
    for name in 'ab':
        cv2.imwrite(str(folder / 'val' / f'{name}.png'), np.zeros((8, 8, 3), np.uint8))
    (folder / 'meta' / 'val.txt').write_text('a.png 999\nb.png 3\n')
    return dict(data_root=str(folder), split='val')


def masks(folder):
    """Three images with label maps of three classes."""
    return dict(write_maps(folder), metainfo=dict(classes=SEG_CLASSES))


DATASETS = {
    'CocoDataset': DatasetCase(coco, 2, CLASSES),
    'VOCDataset': DatasetCase(voc, 2, CLASSES),
    'YoloDataset': DatasetCase(yolo, 2, CLASSES),
    'LabelMeDataset': DatasetCase(labelme, 2, CLASSES),
    'ShapesDataset': DatasetCase(
        shapes('coco/annotations/instances_train.json', img='coco/train/'), 3, SHAPES_CLASSES
    ),
    'ShapesVOCDataset': DatasetCase(
        shapes('VOCdevkit/VOC2012/ImageSets/Main/train.txt', sub_data_root='VOCdevkit/VOC2012/'),
        3,
        SHAPES_CLASSES,
    ),
    'ShapesClassDataset': DatasetCase(
        shape_maps('VOCdevkit/VOC2012/SegmentationClass'), 3, ('background', *SHAPES_CLASSES)
    ),
    'ShapesPartDataset': DatasetCase(
        shape_maps('VOCdevkit/VOC2012/SegmentationPart'), 3, ('background', *SHAPES_PARTS)
    ),
    'ShapesSceneDataset': DatasetCase(
        shapes('', img_path='coco/train', seg_map_path='coco/stuffthingmaps/train'),
        3,
        (*SHAPES_CLASSES, *SHAPES_STUFF),
    ),
    'ImageFolder': DatasetCase(folders, 6, ('ant', 'bee', 'cow')),
    'ImageNet': DatasetCase(imagenet, 2, 1000),
    'SegmentationDataset': DatasetCase(masks, 3, SEG_CLASSES),
    'PascalVOCDataset': DatasetCase(lambda f: dict(write_maps(f), ann_file='list.txt'), 2, 21),
    'CamVidDataset': DatasetCase(lambda f: write_maps(f, suffix='.png'), 3, 11),
}


def box_sample(folder):
    """What a data set of boxes gives of an image."""
    boxes = [[1, 2, 12, 14], [5, 5, 20, 18]]
    return dict(
        img_path='0.jpg',
        height=SIZE[0],
        width=SIZE[1],
        img_shape=SIZE,
        instances=[dict(bbox=b, bbox_label=k, ignore_flag=k) for k, b in enumerate(boxes)],
    )


def path_sample(folder):
    """What any data set gives of an image."""
    cv2.imwrite(str(folder / '0.png'), picture())
    return dict(img_path=str(folder / '0.png'))


TRANSFORMS = {
    'LoadImageFromFile': TransformCase(
        {}, path_sample, frozenset({'img', 'img_shape', 'ori_shape'})
    ),
    'LoadAnnotations': TransformCase(
        dict(with_bbox=True),
        box_sample,
        frozenset({'gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags'}),
    ),
    'LoadSegAnnotations': TransformCase({}, file_sample, frozenset({'gt_seg_map', 'seg_fields'})),
}


def found(boxes, labels, scores=None):
    """Boxes of an image."""
    fields = dict(
        bboxes=torch.tensor(boxes, dtype=torch.float).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.long),
    )
    return InstanceData(**fields if scores is None else dict(fields, scores=torch.tensor(scores)))


def coco_samples(empty=False):
    """Predictions for :func:`coco`: one dog is missed, one cat a little off."""
    boxes = [([[4, 5, 14, 13], [8, 5, 18, 13]], [0, 1], [0.9, 0.8])]
    boxes += [([[6, 5, 16, 13]], [0], [0.7])]
    if empty:
        boxes = [([], [], [])] * 2
    return [
        dict(img_id=k, ori_shape=(30, 40), pred_instances=found(*b)) for k, b in enumerate(boxes, 1)
    ]


def voc_samples(empty=False):
    """Two images, of which the second has a detection of nothing before the right one."""
    truth = found([[5, 6, 15, 16], [20, 6, 30, 16]], [0, 1])
    none = found([], [], [])
    first = none if empty else found([[5, 6, 15, 16]], [0], [0.6])
    second = none if empty else found([[0, 0, 4, 4], [20, 6, 30, 16]], [1, 1], [0.9, 0.8])
    return [
        dict(gt_instances=truth, ignored_instances=found([], []), pred_instances=p)
        for p in (first, second)
    ]


METRICS = {
    'CocoMetric': MetricCase(
        lambda folder: dict(ann_file=str(write_coco(folder, coco_content()))),
        dict(classes=CLASSES),
        coco_samples,
        lambda: coco_samples(empty=True),
        {'coco/bbox_mAP': 0.0},
    ),
    'VOCMetric': MetricCase(
        lambda folder: {},
        dict(classes=CLASSES),
        voc_samples,
        lambda: voc_samples(empty=True),
        {'voc/mAP_area': 0.0, 'voc/mAP_11points': 0.0},
    ),
}

SECOND = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.ImageFolder',
        data_root='{data}',
        data_prefix='test',
        num_classes=3,
        pipeline=[dict(type='mmvisx.LoadImageFromFile'), dict(type='PackInputs')],
    ),
)
HOOKS = {
    'RandomStateHook': HookCase(),
    'CheckFiniteLossHook': HookCase(),
    'CheckLabelsHook': HookCase(),
    'CheckSegLabelsHook': HookCase(training='segmentor'),
    'CheckpointHook': HookCase(dict(max_keep_ckpts=2)),
    'ClassCountHook': HookCase(),
    'ClassificationPicturesHook': HookCase(dict(out_dir='{folder}')),
    'SegmentationPicturesHook': HookCase(dict(out_dir='{folder}'), training='segmentor'),
    'FuseForTestHook': HookCase(),
    'SecondValidationHook': HookCase(dict(dataloader=SECOND, evaluator=dict(type='Accuracy'))),
}

SGD = dict(type='SGD', lr=0.1, momentum=0.9)
OPTIM_WRAPPERS = {
    'BFloat16OptimWrapper': OptimCase(dict(type='mmvisx.BFloat16OptimWrapper', optimizer=SGD)),
}
