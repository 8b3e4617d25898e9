import numpy as np
import pytest
from mmdet.structures.bbox import HorizontalBoxes

from mmvisx.datasets.transforms import DetectionMixUp, PackDetInputs
from mmvisx.utils import UserError


def sample(name, image, boxes, labels=None, **others):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    labels = range(len(boxes)) if labels is None else labels
    return {
        'img_path': name,
        'img': image,
        'img_shape': image.shape[:2],
        'gt_bboxes': HorizontalBoxes(boxes),
        'gt_bboxes_labels': np.array(list(labels), np.int64),
        'gt_ignore_flags': np.zeros(len(boxes), bool),
        **others,
    }


def plain(value, shape=(4, 6, 3), kind=np.uint8):
    return np.full(shape, value, kind)


def mix(first, second, **arguments):
    return DetectionMixUp(**arguments)({**first, 'mix_results': [second]})


def test_hand_made_case():
    """0.7 x 100 + 0.3 x 200 where both are, either alone on the zero canvas elsewhere."""
    first = sample('a', plain(100, (4, 6, 3)), [[0, 0, 6, 4], [1, 1, 3, 2]], [5, 6])
    second = sample('b', plain(200, (5, 3, 3)), [[0, 1, 3, 5]], [7])
    second['gt_ignore_flags'][0] = True
    mixed = mix(first, second, ratio=0.7)
    expected = np.zeros((5, 6, 3), np.uint8)
    expected[:4] = 70
    expected[:5, :3] += 60
    assert np.array_equal(mixed['img'], expected)
    assert mixed['img'].dtype == np.uint8
    assert mixed['img_shape'] == (5, 6)
    assert mixed['gt_bboxes'].tensor.tolist() == [[0, 0, 6, 4], [1, 1, 3, 2], [0, 1, 3, 5]]
    assert mixed['gt_bboxes_labels'].tolist() == [5, 6, 7]
    assert mixed['gt_ignore_flags'].tolist() == [False, False, True]
    assert mixed['gt_bboxes_weights'].dtype == np.float32
    assert np.allclose(mixed['gt_bboxes_weights'], [0.7, 0.7, 0.3])
    assert 'mix_results' not in mixed
    assert (mixed['mixup_ratio'], mixed['mixup_partner']) == (0.7, 'b')
    packed = PackDetInputs()(mixed)['data_samples']
    assert packed.gt_instances.weights.tolist() == pytest.approx([0.7, 0.7])
    assert packed.ignored_instances.weights.tolist() == pytest.approx([0.3])
    assert packed.mixup_ratio == 0.7


@pytest.mark.parametrize('bad', [{'alpha': 0}, {'beta': -1}, {'ratio': 1.1}, {'prob': 2}])
def test_bad_arguments(bad):
    with pytest.raises(UserError, match=f'{next(iter(bad))}={next(iter(bad.values()))}'):
        DetectionMixUp(**bad)
