"""COCO AP: ground truth scores one, shifted boxes what a hand computation says."""

import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from mmvisx.evaluation import CocoMetric
from mmvisx.utils import UserError

SIZE = (100, 120)


def rectangle(x, y, w, h):
    mask = np.zeros(SIZE, dtype=bool)
    mask[y : y + h, x : x + w] = True
    return mask


def encode(mask):
    rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {'size': rle['size'], 'counts': rle['counts'].decode()}


@pytest.fixture
def truth(tmp_path):
    """Three images; the second has a crowd, the third no object."""
    objects = [
        (0, 1, [10, 10, 40, 40], 0),
        (0, 2, [60, 10, 30, 50], 0),
        (1, 1, [5, 5, 20, 20], 0),
        (1, 1, [50, 50, 60, 40], 1),
    ]
    content = {
        'images': [
            {'id': i, 'file_name': f'{i}.jpg', 'width': SIZE[1], 'height': SIZE[0]}
            for i in range(3)
        ],
        'categories': [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}],
        'annotations': [
            {
                'id': n,
                'image_id': image,
                'category_id': category,
                'bbox': box,
                'area': box[2] * box[3],
                'iscrowd': crowd,
                'segmentation': encode(rectangle(*box)),
            }
            for n, (image, category, box, crowd) in enumerate(objects, 1)
        ],
    }
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(content))
    return path


def evaluate(path, detections, metric=('bbox',), classes=('cat', 'dog')):
    """Detections are {image: [(x, y, w, h), label, score]}."""
    evaluator = CocoMetric(str(path), list(metric))
    evaluator.dataset_meta = {'classes': classes}
    for image in range(3):
        items = detections.get(image, [])
        boxes = torch.tensor([[x, y, x + w, y + h] for (x, y, w, h), _, _ in items])
        predictions = InstanceData(
            bboxes=boxes.float().reshape(-1, 4),
            labels=torch.tensor([i[1] for i in items], dtype=torch.long),
            scores=torch.tensor([i[2] for i in items], dtype=torch.float),
        )
        if 'segm' in metric:
            masks = [rectangle(*i[0]) for i in items]
            predictions.masks = torch.from_numpy(np.array(masks).reshape(-1, *SIZE))
        evaluator.process({}, [{'img_id': image, 'ori_shape': SIZE, 'pred_instances': predictions}])
    return evaluator.evaluate(3)


PERFECT = {
    0: [((10, 10, 40, 40), 0, 0.9), ((60, 10, 30, 50), 1, 0.8)],
    1: [((5, 5, 20, 20), 0, 0.6), ((50, 50, 60, 40), 0, 0.95)],
}


def test_ground_truth_as_predictions_scores_one(truth):
    # The detection on the crowd, ranked first, must not count as wrong.
    result = evaluate(truth, PERFECT, ('bbox', 'segm'))
    for kind in ('bbox', 'segm'):
        for name in ('mAP', 'mAP_50', 'mAP_75'):
            assert result[f'coco/{kind}_{name}'] == 1.0
        assert result[f'coco/{kind}_AP_cat'] == 1.0


def test_shifted_boxes_by_hand(truth):
    # Width 40 shifted by 10: IoU = 30 / 50 = 0.6, above .50 and .55 and, being equal, .60:
    # three of the ten thresholds.
    shifted = {
        0: [((20, 10, 40, 40), 0, 0.9), ((60, 10, 30, 50), 1, 0.8)],
        1: [((10, 5, 20, 20), 0, 0.6)],
    }
    result = evaluate(truth, shifted)
    # cat: both at IoU 0.6 -> 0.3 (20 wide shifted by 5: 15 / 25); dog: 1.
    assert result['coco/bbox_AP_cat'] == pytest.approx(0.3)
    assert result['coco/bbox_AP_dog'] == 1.0
    assert result['coco/bbox_mAP'] == pytest.approx(0.65)
    assert result['coco/bbox_mAP_50'] == 1.0
    assert result['coco/bbox_mAP_75'] == 0.5


def test_a_false_positive_ranked_first_by_hand(truth):
    # cat: wrong, right, (second object missed): precision 1/2 up to recall 1/2, which
    # covers the levels 0, .01, ..., .50: 51 of the 101.
    wrong_first = {0: [((60, 60, 20, 20), 0, 0.9), ((10, 10, 40, 40), 0, 0.8)]}
    result = evaluate(truth, wrong_first)
    assert result['coco/bbox_AP_cat'] == pytest.approx(51 / 101 / 2, abs=5e-4)
    assert result['coco/bbox_AP_dog'] == 0


def test_boxes_and_masks_of_a_class_are_kept_apart(truth):
    # The masks are those of the shifted boxes; the boxes are right.
    evaluator = CocoMetric(str(truth), ['bbox', 'segm'])
    evaluator.dataset_meta = {'classes': ('cat', 'dog')}
    predictions = InstanceData(
        bboxes=torch.tensor([[60.0, 10.0, 90.0, 60.0]]),
        labels=torch.tensor([1]),
        scores=torch.tensor([0.9]),
        masks=torch.from_numpy(rectangle(10, 10, 30, 50)[None]),
    )
    evaluator.process({}, [{'img_id': 0, 'ori_shape': SIZE, 'pred_instances': predictions}])
    result = evaluator.evaluate(1)
    assert (result['coco/bbox_AP_dog'], result['coco/segm_AP_dog']) == (1.0, 0.0)


def test_nothing_detected_is_zero(truth):
    result = evaluate(truth, {}, ('bbox', 'segm'))
    assert result['coco/bbox_mAP'] == 0
    assert result['coco/segm_mAP_50'] == 0


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r'no_such\.json does not exist'):
        CocoMetric(str(tmp_path / 'no_such.json'))


def test_broken_json(tmp_path):
    path = tmp_path / 'broken.json'
    path.write_text('{"images": [')
    with pytest.raises(UserError, match=r'broken\.json is no valid JSON'):
        CocoMetric(str(path))


def test_other_json(tmp_path):
    path = tmp_path / 'other.json'
    path.write_text('{"images": []}')
    with pytest.raises(UserError, match="no list 'annotations'"):
        CocoMetric(str(path))


def test_masks_asked_for_where_there_are_none(truth):
    content = json.loads(truth.read_text())
    del content['annotations'][1]['segmentation']
    truth.write_text(json.dumps(content))
    with pytest.raises(UserError, match='annotation id 2'):
        CocoMetric(str(truth), ['bbox', 'segm'])
    CocoMetric(str(truth), 'bbox')


def test_model_without_masks(truth):
    metric = CocoMetric(str(truth), ['segm'])
    with pytest.raises(UserError, match='predicts no masks'):
        metric.process({}, [{'pred_instances': InstanceData()}])


def test_no_known_class(truth):
    metric = CocoMetric(str(truth))
    metric.dataset_meta = {'classes': ('cow', 'hen')}
    with pytest.raises(UserError, match='no category cow, hen'):
        metric.compute_metrics([])


def relabelled(places):
    return {i: [(b, places[c], s) for b, c, s in items] for i, items in PERFECT.items()}


def test_classes_in_another_order_than_the_file(truth):
    found = relabelled((1, 0))
    result = evaluate(truth, found, ('bbox', 'segm'), ('dog', 'cat'))
    assert result['coco/bbox_mAP'] == result['coco/segm_mAP'] == 1.0
    del found[0][1]  # the only dog
    result = evaluate(truth, found, ('bbox',), ('dog', 'cat'))
    assert (result['coco/bbox_AP_dog'], result['coco/bbox_AP_cat']) == (0.0, 1.0)


def test_a_class_that_the_file_lacks_does_not_count(truth):
    result = evaluate(truth, relabelled((0, 2)), classes=('cat', 'cow', 'dog'))
    assert result['coco/bbox_mAP'] == result['coco/bbox_AP_dog'] == 1.0
    assert np.isnan(result['coco/bbox_AP_cow'])


def test_truth_of_the_data_set_gives_what_a_file_gives(tmp_path):
    """No annotation file: the objects come with the samples, polygons of YOLO's text here."""
    from mmvisx.datasets import YoloDataset
    from tests.helpers.datasets import write_yolo

    # In an image of 40 x 30: a square of 10 x 12 with three corners cut, and a triangle.
    text = {
        '1': '0 0.25 0.2 0.5 0.2 0.5 0.6 0.3 0.6\n1 0.5 0.5 0.9 0.5 0.9 0.9',
        '2': '1 0.05 0 1 0 1 1',  # a box of 1140 pixels, medium, a mask of 570, small
        '3': '',
    }
    write_yolo(tmp_path, text)
    dataset = YoloDataset('data.yaml', data_root=str(tmp_path), test_mode=True)
    content = dict(
        images=[dict(id=k, file_name=f'{k}.jpg', width=40, height=30) for k in range(3)],
        categories=[dict(id=k, name=name) for k, name in enumerate(('cat', 'dog'))],
        annotations=[],
    )
    polygons = [
        (0, 0, [10, 6, 20, 6, 20, 18, 12, 18]),
        (0, 1, [20, 15, 36, 15, 36, 27]),
        (1, 1, [2, 0, 40, 0, 40, 30]),
    ]
    for image, category, points in polygons:
        x, y = min(points[::2]), min(points[1::2])
        box = [x, y, max(points[::2]) - x, max(points[1::2]) - y]
        (rle,) = mask_utils.frPyObjects([points], 30, 40)
        content['annotations'].append(
            dict(
                id=len(content['annotations']) + 1,
                image_id=image,
                category_id=category,
                bbox=box,
                area=float(mask_utils.area(rle)),
                iscrowd=0,
                segmentation=[points],
            )
        )
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    found = []
    for path in (None, str(tmp_path / 'truth.json')):
        evaluator = CocoMetric(path, ['bbox', 'segm'])
        evaluator.dataset_meta = dataset.metainfo
        for _ in range(2):  # the second time the truth is there
            for info in dataset:
                masks = [mask_utils.frPyObjects(o['mask'], 30, 40)[0] for o in info['instances']]
                shift = torch.tensor([0.0, 0.0, 2.0, 0.0])
                boxes = torch.tensor([o['bbox'] for o in info['instances']]).reshape(-1, 4)
                predicted = dict(
                    bboxes=boxes + shift,
                    scores=torch.linspace(0.9, 0.5, len(boxes)),
                    labels=torch.tensor([o['bbox_label'] for o in info['instances']]).long(),
                    masks=masks,
                )
                sample = dict(
                    img_id=info['img_id'],
                    ori_shape=(30, 40),
                    pred_instances=predicted,
                    instances=info['instances'],
                )
                evaluator.process({}, [sample])
            found.append(evaluator.evaluate(len(dataset)))
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0]['coco/segm_mAP'] == 1
    assert 0.5 < found[0]['coco/bbox_mAP'] < 1
    assert found[0]['coco/segm_mAP_s'] == 1


def test_samples_without_truth_are_named():
    evaluator = CocoMetric(metric=['segm'])
    predicted = dict(bboxes=[], masks=[])
    with pytest.raises(UserError, match=r"'instances' to meta_keys of PackDetInputs"):
        evaluator.process({}, [dict(pred_instances=predicted)])
    sample = dict(pred_instances=predicted, instances=[dict(bbox=[0, 0, 1, 1])], img_path='a.jpg')
    with pytest.raises(UserError, match=r"'segm' needs masks, but an object in a\.jpg"):
        evaluator.process({}, [sample])
