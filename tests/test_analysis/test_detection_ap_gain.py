import json
from functools import partial

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmvisx.analysis.detection_ap_gain import (
    coco_class_ap,
    gain_table,
    read_class_ap,
    summarize,
    voc_class_ap,
)
from mmvisx.apis.build import build_dataset
from mmvisx.datasets import VOCDataset
from mmvisx.evaluation import CocoMetric, VOCMetric
from mmvisx.utils import UserError
from mmvisx.utils.predictions import write_predictions
from tests.helpers.datasets import CLASSES, coco_content, voc_xml, write_coco, write_voc


@pytest.fixture
def ann_file(tmp_path):
    content = coco_content(6)
    content['categories'].append({'id': 7, 'name': 'absent'})
    return write_coco(tmp_path, content)


def detections(seed=0, images=6):
    """Near the objects, and a few anywhere."""
    random = np.random.default_rng(seed)
    found = []
    for annotation in coco_content(images)['annotations']:
        for spread in (1.0, 6.0):
            box = np.array(annotation['bbox']) + random.normal(0, spread, 4)
            found.append(
                {
                    'image_id': annotation['image_id'],
                    'category_id': annotation['category_id'],
                    'bbox': np.maximum(box, 1).tolist(),
                    'score': float(random.random()),
                }
            )
    return found


def test_coco_equals_the_metric(ann_file):
    """CocoMetric, tested against hand-made cases, gives the same AP to each class."""
    found = detections()
    metric = CocoMetric(str(ann_file))
    metric.dataset_meta = {'classes': CLASSES}
    for image in range(1, 7):
        mine = [d for d in found if d['image_id'] == image]
        boxes = torch.tensor([d['bbox'] for d in mine])
        boxes[:, 2:] += boxes[:, :2]
        instances = InstanceData(
            bboxes=boxes,
            scores=torch.tensor([d['score'] for d in mine]),
            labels=torch.tensor([d['category_id'] - 1 for d in mine]),
        )
        metric.process({}, [{'img_id': image, 'ori_shape': (30, 40), 'pred_instances': instances}])
    expected = metric.evaluate(6)
    values = coco_class_ap(ann_file, found)
    assert set(values) == set(CLASSES)  # no AP for a class without objects
    for name, value in values.items():
        assert 0 < value < 1
        assert value == pytest.approx(expected[f'coco/bbox_AP_{name}'], abs=1e-3)


def test_coco_by_hand(ann_file):
    truth = [a | {'score': 1.0} for a in coco_content(6)['annotations'] if a['category_id'] == 1]
    assert coco_class_ap(ann_file, truth) == {'cat': 1.0, 'dog': 0.0}
    assert coco_class_ap(ann_file, []) == {'cat': 0.0, 'dog': 0.0}


def test_coco_results_of_other_images_or_classes(ann_file):
    with pytest.raises(UserError, match='results have images that'):
        coco_class_ap(ann_file, detections(images=7))
    with pytest.raises(UserError, match='category_id 9'):
        coco_class_ap(ann_file, [{**detections()[0], 'category_id': 9}])
    with pytest.raises(UserError, match=r'annotations .*no\.json'):
        coco_class_ap(ann_file.parent / 'no.json', detections())


@pytest.fixture
def voc(tmp_path):
    boxes = {'1': [('cat', (2, 2, 12, 12))], '2': [('dog', (5, 5, 20, 20)), ('cat', (1, 1, 9, 9))]}
    write_voc(tmp_path, {name: voc_xml(items, name) for name, items in boxes.items()})
    return dict(
        type='mmvisx.VOCDataset',
        data_root=str(tmp_path),
        ann_file='VOC2012/ImageSets/Main/train.txt',
        data_prefix=dict(sub_data_root='VOC2012/'),
        metainfo=dict(classes=('cat', 'dog', 'cow')),
        test_mode=True,
        pipeline=[],
    )


def predicted(name, *items):
    boxes, labels, scores = zip(*items, strict=True)
    instances = dict(
        bboxes=torch.tensor(boxes, dtype=torch.float32),
        labels=torch.tensor(labels),
        scores=torch.tensor(scores),
    )
    return {'img_path': f'/elsewhere/{name}.jpg', 'pred_instances': instances}


# Annotated corners count from 1. A wrong cat comes first: precisions 0, 1/2, 2/3.
PREDICTIONS = [
    predicted('1', ((1, 1, 11, 11), 0, 0.8), ((25, 15, 30, 25), 0, 0.9)),
    predicted('2', ((0, 0, 8, 8), 0, 0.7), ((4, 4, 19, 19), 1, 0.2)),
]


@pytest.mark.parametrize('rule', ['area', '11points'])
def test_voc_by_hand(voc, rule):
    arguments = {key: value for key, value in voc.items() if key != 'type'}
    values = voc_class_ap(VOCDataset(**arguments), PREDICTIONS, rule)
    assert values == {'cat': pytest.approx(2 / 3), 'dog': 1.0}


def test_voc_of_other_images(voc):
    dataset = VOCDataset(**{key: value for key, value in voc.items() if key != 'type'})
    with pytest.raises(UserError, match='of 1 images, the data set has 2, of which 1 have no'):
        voc_class_ap(dataset, PREDICTIONS[:1])
    with pytest.raises(UserError, match="rule 'all'"):
        voc_class_ap(dataset, PREDICTIONS, 'all')


def test_voc_mean_is_the_metrics(voc):
    """VOCMetric is tested against the devkit's definition."""
    arguments = {key: value for key, value in voc.items() if key != 'type'}
    dataset = VOCDataset(**arguments)
    metric = VOCMetric()
    metric.dataset_meta = dataset.metainfo
    for info, item in zip(dataset, PREDICTIONS, strict=True):
        instances = {
            'bboxes': torch.tensor([i['bbox'] for i in info['instances']], dtype=torch.float32),
            'labels': torch.tensor([i['bbox_label'] for i in info['instances']]),
        }
        none = {'bboxes': torch.zeros(0, 4), 'labels': torch.zeros(0)}
        metric.process({}, [{'gt_instances': instances, 'ignored_instances': none} | item])
    mean = np.mean(list(voc_class_ap(dataset, PREDICTIONS).values()))
    assert metric.evaluate(2)['voc/mAP_area'] == pytest.approx(mean)


def test_three_kinds_of_files(ann_file, voc, tmp_path):
    found = tmp_path / 'found.json'
    found.write_text(json.dumps(detections()))
    assert read_class_ap(found, ann_file) == coco_class_ap(ann_file, detections())

    metrics = tmp_path / 'metrics.json'
    content = {'coco/bbox_mAP': 0.5, 'coco/bbox_AP_cat': 0.25, 'coco/bbox_AP_absent': None}
    metrics.write_text(json.dumps(content))
    assert read_class_ap(metrics) == {'cat': 0.25}
    with pytest.raises(UserError, match='coco/segm_AP_NAME'):
        read_class_ap(metrics, metric='segm')

    predictions = tmp_path / 'found.npz'
    write_predictions(predictions, PREDICTIONS)
    config = Config(dict(default_scope='mmdet', test_dataloader=dict(dataset=voc)))
    values = read_class_ap(predictions, dataset=partial(build_dataset, config))
    assert values == {'cat': pytest.approx(2 / 3), 'dog': 1.0}


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.json', None, 'does not exist'),
        ('a.json', b'{', 'is not valid JSON'),
        ('a.json', b'[{}]', r'--ann'),
        ('a.npz', b'', r'--config'),
        ('a.pkl', b'', r'a\.pkl: predictions are no pickles any more.*--out a\.npz'),
    ],
)
def test_bad_files(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_class_ap(tmp_path / name)


def test_other_content(ann_file, tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('[{}]')
    with pytest.raises(UserError, match='no list of detections'):
        read_class_ap(path, ann_file)
    path = tmp_path / 'a.npz'
    path.write_bytes(b'')
    with pytest.raises(UserError, match='no file of predictions'):
        read_class_ap(path, dataset=partial(build_dataset, Config({})))
    write_predictions(path, [dict(pred_score=torch.ones(2))])
    with pytest.raises(UserError, match='does not hold detections'):
        read_class_ap(path, dataset=partial(build_dataset, Config({})))


def test_table_and_summary():
    table = gain_table({'a': 0.5, 'b': 0.5, 'c': 0.25}, {'c': 0.25, 'a': 0.75, 'b': 0.375})
    assert [row['class'] for row in table] == ['a', 'b', 'c']
    assert [row['gain'] for row in table] == [0.25, -0.125, 0]
    summary = summarize(table)
    assert (summary['gained'], summary['dropped']) == (1, 1)
    assert summary['gain'] == pytest.approx(0.125 / 3)
    with pytest.raises(UserError, match='only one has b'):
        gain_table({'a': 0.5, 'b': 0.5}, {'a': 1})
