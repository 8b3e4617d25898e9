"""The metric that runs with a model: the same numbers as from files."""

import json

import numpy as np
import pytest
import torch
from mmdet.structures import INSTANCE_OFFSET
from PIL import Image

from mmvisx.evaluation import PanopticQualityMetric
from mmvisx.evaluation.panoptic.format import id_to_rgb
from mmvisx.registry import METRICS
from mmvisx.utils import UserError

# The file has another order than the model, and a class that the model lacks.
CATEGORIES = [
    {'id': 187, 'name': 'sky', 'isthing': 0},
    {'id': 44, 'name': 'bottle', 'isthing': 1},
    {'id': 1, 'name': 'person', 'isthing': 1},
]
CLASSES = ('person', 'sky')
PERSON, SKY, NOTHING = 0, 1, 2


@pytest.fixture
def ann_file(tmp_path):
    """Write the ground truth of two images: two persons and sky, then one person."""
    (tmp_path / 'truth').mkdir()
    annotations = []
    for number, categories in ((7, [1, 1, 187]), (8, [1])):
        ids = np.zeros((2, 10), np.int32)
        segments = []
        for k, category in enumerate(categories, 1):
            ids[:, 3 * k - 3 : 3 * k] = k * 1000
            segments.append({'id': k * 1000, 'category_id': category, 'iscrowd': 0})
        Image.fromarray(id_to_rgb(ids)).save(tmp_path / 'truth' / f'{number}.png')
        annotations.append(
            {'image_id': number, 'file_name': f'{number}.png', 'segments_info': segments}
        )
    content = {'annotations': annotations, 'categories': CATEGORIES}
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    return tmp_path / 'truth.json'


def sample(number, columns):
    """Return a prediction from labels (and instances) of the ten columns."""
    seg = torch.tensor(columns).expand(1, 2, 10).clone()
    return {'img_id': number, 'pred_panoptic_seg': {'sem_seg': seg}}


def person(instance):
    """Return the value of a person's pixel."""
    return PERSON + INSTANCE_OFFSET * instance


FIRST = sample(7, [person(0)] * 3 + [person(1)] * 3 + [SKY] * 2 + [NOTHING] * 2)
SECOND = sample(8, [person(4)] * 3 + [SKY] * 7)


def metric(ann_file, **kwargs):
    """Build the metric through the registry."""
    built = METRICS.build(dict(type='mmvisx.PanopticQualityMetric', ann_file=ann_file, **kwargs))
    assert isinstance(built, PanopticQualityMetric)
    built.dataset_meta = {'classes': CLASSES}
    return built


def test_by_hand(ann_file):
    tested = metric(ann_file)
    tested.process(None, [FIRST])
    tested.process(None, [SECOND])
    results = tested.evaluate(2)
    # Three persons are exact; 2 of 3 columns of the sky; the sky of image 8 is all void.
    assert results['panoptic/PQ_th'] == 1
    assert results['panoptic/PQ_st'] == pytest.approx(2 / 3)
    assert results['panoptic/PQ'] == pytest.approx(5 / 6)  # bottles do not occur
    assert len(results) == 9


def test_ignore_index_is_void(ann_file):
    tested = metric(ann_file)
    ignored = sample(8, [person(1)] * 3 + [255] * 7)
    ignored['pred_panoptic_seg']['ignore_index'] = 255
    tested.process(None, [ignored])
    assert tested.evaluate(1)['panoptic/PQ'] == 1


@pytest.mark.parametrize(
    ('prediction', 'classes', 'message'),
    [
        (sample(9, [SKY] * 10), CLASSES, 'image 9 is not in .*truth.json'),
        ({'img_id': 7}, CLASSES, 'gives no pred_panoptic_seg'),
        (sample(7, [SKY] * 10), ('person', 'heaven'), r'label 1 \(class heaven\) has no category'),
        (sample(7, [5] * 10), CLASSES, 'label 5 .class none. has no category'),
    ],
)
def test_predictions_that_do_not_fit(ann_file, prediction, classes, message):
    tested = metric(ann_file)
    tested.dataset_meta = {'classes': classes}
    with pytest.raises(UserError, match=message):
        tested.process(None, [prediction])


def test_size_that_does_not_fit(ann_file):
    wrong = sample(7, [SKY] * 10)
    wrong['pred_panoptic_seg']['sem_seg'] = torch.zeros(1, 3, 10, dtype=torch.int64)
    with pytest.raises(UserError, match=r'image 7: the prediction has 3 x 10 pixels'):
        metric(ann_file).process(None, [wrong])


def test_folder_of_the_maps(ann_file):
    with pytest.raises(UserError, match='set seg_prefix'):
        metric(ann_file, seg_prefix='nowhere').process(None, [FIRST])
