"""VOC mAP against the devkit's definition, written as slow loops over fractions."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvisx.evaluation import VOCMetric
from mmvisx.evaluation.detection.voc_metric import voc_average_precision
from mmvisx.utils import UserError

CLASSES = ('cat', 'dog')


def sample(objects, detections, difficult=()):
    """Objects are (box, label), detections are (box, label, score)."""

    def instances(items, with_scores=False):
        fields = {
            'bboxes': torch.tensor([i[0] for i in items], dtype=torch.float).reshape(-1, 4),
            'labels': torch.tensor([i[1] for i in items], dtype=torch.long),
        }
        if with_scores:
            fields['scores'] = torch.tensor([i[2] for i in items], dtype=torch.float)
        return InstanceData(**fields)

    return {
        'gt_instances': instances(list(objects)),
        'ignored_instances': instances(list(difficult)),
        'pred_instances': instances(list(detections), with_scores=True),
    }


def evaluate(samples, **kwargs):
    metric = VOCMetric(**kwargs)
    metric.dataset_meta = {'classes': CLASSES}
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def overlap(a, b):
    """IoU of boxes that include their last pixel."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    area = [(x[2] - x[0] + 1) * (x[3] - x[1] + 1) for x in (a, b)]
    return width * height / (sum(area) - width * height)


def devkit(images, label, rule):
    """AP of a class; an image is (objects, detections, difficult)."""
    found = []
    count = 0
    for objects, detections, difficult in images:
        mine = [(tuple(b), False) for b, c in objects if c == label]
        mine += [(tuple(b), True) for b, c in difficult if c == label]
        count += sum(not hard for _, hard in mine)
        taken = set()
        for box, _, score in sorted((d for d in detections if d[1] == label), key=lambda d: -d[2]):
            best, best_iou = None, -1.0
            for number, (other, _) in enumerate(mine):
                iou = overlap(box, other)
                if iou > best_iou:
                    best, best_iou = number, iou
            if best is not None and best_iou >= 0.5:
                if mine[best][1]:
                    continue
                found.append((score, best not in taken))
                taken.add(best)
            else:
                found.append((score, False))
    points = []
    right = 0
    for number, (_, is_right) in enumerate(sorted(found, key=lambda f: -f[0]), 1):
        right += is_right
        points.append((Fraction(right, count), Fraction(right, number)))
    if rule == '11points':
        levels = [Fraction(i, 10) for i in range(11)]
        return float(sum(max((p for r, p in points if r >= v), default=0) for v in levels) / 11)
    area, last = Fraction(0), Fraction(0)
    for recall in sorted({r for r, _ in points}):
        area += (recall - last) * max(p for r, p in points if r >= recall)
        last = recall
    return float(area)


A, B, C = [10, 10, 29, 29], [40, 10, 59, 49], [70, 70, 89, 79]


def test_ground_truth_as_predictions_scores_one():
    samples = [
        sample([(A, 0), (B, 1)], [(A, 0, 0.9), (B, 1, 0.4), (C, 0, 0.95)], difficult=[(C, 0)]),
        sample([], []),
        sample([(C, 1)], [(C, 1, 0.7)]),
    ]
    result = evaluate(samples)
    assert result['voc/mAP_11points'] == pytest.approx(1, abs=1e-6)
    assert result['voc/mAP_area'] == pytest.approx(1, abs=1e-6)


def test_difficult_objects_are_neither_found_nor_missed():
    # The detection on the difficult object would be right or wrong; it must be neither.
    missed = evaluate([sample([(A, 0)], [(A, 0, 0.5)], difficult=[(B, 0)])])
    assert missed['voc/mAP_area'] == pytest.approx(1, abs=1e-6)
    found = evaluate(
        [sample([(A, 0)], [(B, 0, 0.9), (B, 0, 0.8), (A, 0, 0.5)], difficult=[(B, 0)])]
    )
    assert found['voc/mAP_area'] == pytest.approx(1, abs=1e-6)


def test_a_false_positive_ranked_first_by_hand():
    # Right at rank 2 and 3 of 2 objects: precision 1/2 at recall 1/2, 2/3 at recall 1.
    # The best precision at any recall is 2/3, so both rules give 2/3.
    result = evaluate([sample([(A, 0), (B, 0)], [(C, 0, 0.9), (A, 0, 0.8), (B, 0, 0.7)])])
    assert result['voc/mAP_11points'] == pytest.approx(2 / 3, abs=1e-6)
    assert result['voc/mAP_area'] == pytest.approx(2 / 3, abs=1e-6)


def test_the_rules_differ_by_hand():
    # Wrong, right, of 2 objects: precision 1/2 up to recall 1/2, nothing after.
    # 11 points: the levels 0 to 0.5 are six: 6/11 * 1/2. Area: 1/2 * 1/2.
    result = evaluate([sample([(A, 0), (B, 0)], [(C, 0, 0.9), (A, 0, 0.8)])])
    assert result['voc/mAP_11points'] == pytest.approx(3 / 11, abs=1e-6)
    assert result['voc/mAP_area'] == pytest.approx(1 / 4, abs=1e-6)


def test_recall_exactly_at_a_level_counts():
    # 3 of 10 found with precision 1: the levels 0, .1, .2, .3 are reached.
    recalls, precisions = np.array([1, 2, 3]) / 10, np.ones(3)
    assert voc_average_precision(recalls, precisions, '11points') == pytest.approx(4 / 11)


def test_a_second_detection_of_an_object_is_wrong():
    # Right, wrong (second on A), right: precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1.
    result = evaluate([sample([(A, 0), (B, 0)], [(A, 0, 0.9), (A, 0, 0.8), (B, 0, 0.7)])])
    assert result['voc/mAP_area'] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3, abs=1e-6)


def test_shifted_boxes_count_from_the_threshold_on():
    # 20 x 20 pixels, shifted by 5: IoU = 15 / 25 = 0.6 with the last pixel included.
    samples = [sample([(A, 0)], [([15, 10, 34, 29], 0, 0.9)])]
    result = evaluate(samples, iou_thrs=[0.5, 0.6, 0.7])
    assert [result[f'voc/AP{t}_area'] for t in (50, 60, 70)] == pytest.approx([1, 1, 0], abs=1e-6)
    assert result['voc/mAP_11points'] == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize('seed', range(5))
def test_random_detections_agree_with_the_devkit(seed):
    random = np.random.default_rng(seed)

    def box():
        x, y = random.integers(0, 60, 2)
        w, h = random.integers(8, 40, 2)
        return [int(x), int(y), int(x + w), int(y + h)]

    images = []
    for _ in range(6):
        objects = [(box(), int(random.integers(2))) for _ in range(random.integers(4))]
        difficult = [(box(), int(random.integers(2))) for _ in range(random.integers(2))]
        detections = [(box(), int(random.integers(2)), float(random.random())) for _ in range(5)]
        for other, label in objects + difficult:
            near = [v + int(random.integers(-4, 5)) for v in other]
            detections.append((near, label, float(random.random())))
        images.append((objects, detections, difficult))
    images.append(([(A, 0), (B, 1)], [], []))  # each class has an object
    result = evaluate([sample(o, d, difficult=i) for o, d, i in images])
    for rule in ('11points', 'area'):
        expected = np.mean([devkit(images, label, rule) for label in range(2)])
        assert 0 < expected < 1
        assert result[f'voc/mAP_{rule}'] == pytest.approx(expected, abs=1e-6)


def test_a_class_without_objects_does_not_count():
    result = evaluate([sample([(A, 0)], [(A, 0, 0.9), (B, 1, 0.9)])])
    assert result['voc/mAP_area'] == pytest.approx(1, abs=1e-6)


def test_missing_ground_truth_is_named():
    bare = {'pred_instances': InstanceData(), 'img_path': 'a/b.jpg'}
    with pytest.raises(UserError, match=r'a/b\.jpg.*LoadAnnotations'):
        VOCMetric().process({}, [bare])


def test_wrong_threshold():
    with pytest.raises(UserError, match='iou_thrs'):
        VOCMetric(iou_thrs=[0.5, 1.5])
