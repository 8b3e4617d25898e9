"""AP on a part of the objects, with numbers worked out by hand."""

import json

import pytest
import torch
from mmengine.structures import InstanceData

from mmvisx.evaluation import CocoMetric
from mmvisx.utils import UserError

# Image of 100x100: id, image, class, box, share that can be seen. Sides: 0.4, 0.3, 0.1, 0.1.
OBJECTS = [
    (1, 0, 1, [10, 10, 40, 40], 1.0),
    (2, 0, 2, [60, 10, 30, 30], 0.3),
    (3, 1, 1, [5, 5, 10, 10], 0.3),
    (4, 1, 1, [60, 60, 10, 10], 1.0),
]
SUBSETS = dict(
    small=('side', 0, 0.2),
    large=('side', 0.2, 2),
    hidden=('visibility', 0, 0.5),
    whole=('visibility', 0.5, 2),
    none=('side', 0.8, 2),
)


@pytest.fixture
def truth(tmp_path):
    content = {
        'images': [dict(id=i, file_name=f'{i}.jpg', width=100, height=100) for i in range(2)],
        'categories': [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}],
        'annotations': [
            dict(id=n, image_id=image, category_id=c, bbox=box, area=box[2] * box[3], iscrowd=0,
                 visibility=share)
            for n, image, c, box, share in OBJECTS
        ],
    }  # fmt: skip
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(content))
    return path


def evaluate(path, detections, subsets=SUBSETS):
    """Detections are {image: [(x, y, w, h), label, score]}."""
    metric = CocoMetric(str(path), classwise=False, subsets=subsets)
    metric.dataset_meta = {'classes': ('cat', 'dog')}
    for image in range(2):
        rows = detections.get(image, [])
        boxes = torch.tensor([box for box, _, _ in rows], dtype=torch.float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        instances = InstanceData(
            bboxes=boxes,
            labels=torch.tensor([label for _, label, _ in rows], dtype=torch.long),
            scores=torch.tensor([score for _, _, score in rows]),
        )
        metric.process(
            {}, [dict(img_id=image, ori_shape=(100, 100), pred_instances=instances.to_dict())]
        )
    return metric.evaluate(size=2)


PERFECT = {
    0: [((10, 10, 40, 40), 0, 0.9), ((60, 10, 30, 30), 1, 0.9)],
    1: [((5, 5, 10, 10), 0, 0.9), ((60, 60, 10, 10), 0, 0.8)],
}


def read(found):
    return {name: found[f'coco/bbox_mAP_{name}'] for name in SUBSETS}


def test_everything_found_and_a_subset_without_objects(truth):
    assert read(evaluate(truth, PERFECT)) == pytest.approx(
        dict(small=1, large=1, hidden=1, whole=1, none=-1)
    )


def test_a_missed_object_counts_in_its_subsets_only(truth):
    found = read(evaluate(truth, {**PERFECT, 1: PERFECT[1][1:]}))  # object 3: small and hidden
    # Of two small cats one is found: precision 1 up to a recall of 0.5, at 51 of 101 points.
    assert found['small'] == pytest.approx(51 / 101)
    assert found['large'] == pytest.approx(1)
    # Of the hidden ones the cat is missed and the dog found: the mean of 0 and 1.
    assert found['hidden'] == pytest.approx(0.5)
    assert found['whole'] == pytest.approx(1)


def test_a_detection_of_nothing(truth):
    wrong = ((80, 10, 10, 10), 0, 0.95)  # a small cat, before all others
    found = read(evaluate(truth, {**PERFECT, 1: [*PERFECT[1], wrong]}))
    # Cats that are small: wrong, right, right, so 2/3 after both; by size only small ones suffer.
    assert found['small'] == pytest.approx(2 / 3)
    assert found['large'] == pytest.approx(1)
    # By visibility everyone does: hidden cats 1/2 and dogs 1, whole cats 2/3 and no dogs.
    assert found['hidden'] == pytest.approx(0.75)
    assert found['whole'] == pytest.approx(2 / 3)


def test_nothing_detected(truth):
    found = evaluate(truth, {})
    assert found['coco/bbox_mAP_hidden'] == 0


@pytest.mark.parametrize(
    'subset', [('height', 0, 1), ('side', 1, 1)], ids=['unknown quantity', 'no range']
)
def test_bad_subset(truth, subset):
    with pytest.raises(UserError, match='small'):
        CocoMetric(str(truth), subsets=dict(small=subset))


def test_annotations_without_visibility(truth):
    content = json.loads(truth.read_text())
    del content['annotations'][2]['visibility']
    truth.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'annotation id 3 .*visibility'):
        CocoMetric(str(truth), subsets=SUBSETS)
