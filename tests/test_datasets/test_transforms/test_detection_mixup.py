import copy

import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from scipy.stats import beta, kstest

from mmvisx.datasets.transforms import DetectionMixUp, PackDetInputs
from mmvisx.datasets.transforms.detection_mixup import blend_images
from mmvisx.utils import UserError
from tests.helpers.detection_mixup_samples import mix_dataset, plain, sample


@pytest.fixture(autouse=True)
def _numpy_seed():
    np.random.seed(0)


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


def test_every_pair_of_bytes_is_rounded_to_the_nearest():
    first, second = np.mgrid[:256, :256].astype(np.uint8)
    for ratio in (0.0, 0.123, 0.5, 0.7, 1.0):
        exact = ratio * first.astype(float) + (1 - ratio) * second
        error = np.abs(blend_images(first, second, ratio) - exact)
        assert error.max() <= 0.5 + 1e-4


@pytest.mark.parametrize('shapes', [((4, 6), (5, 3)), ((4, 6, 4), (5, 3, 4)), ((4, 6), (5, 3, 1))])
def test_grey_and_four_channels(shapes):
    first, second = (plain(value, shape) for value, shape in zip((100, 200), shapes, strict=True))
    blended = blend_images(first, second, 0.5)
    assert blended.shape == (5, 6, *shapes[1][2:])
    assert (blended[:4, :3] == 150).all()
    assert (blended[:4, 3:] == 50).all()
    assert (blended[4:, :3] == 100).all()
    assert (blended[4:, 3:] == 0).all()


def test_bytes_and_floats_give_floats():
    for one, other in ((np.uint8, np.float32), (np.float32, np.uint8)):
        blended = blend_images(plain(3, kind=one), plain(4, kind=other), 0.25)
        assert blended.dtype == np.float32
        assert np.allclose(blended, 3.75)


@pytest.mark.parametrize(
    ('first', 'second', 'message'),
    [
        (plain(1, (4, 6)), plain(1), r'1 channels .* one of 3.*color_type'),
        (plain(1, (4, 6, 4)), plain(1), r'4 channels .* one of 3.*color_type'),
        (plain(1), plain(1, kind=np.uint16), r'type uint16 and uint8 .*to_float32'),
        (plain(1, kind=np.int64), plain(1, kind=np.int64), r'type int64'),
    ],
)
def test_images_that_do_not_fit(first, second, message):
    with pytest.raises(UserError, match=f'a.png and b.png: .*{message}'):
        mix(sample('a.png', first, []), sample('b.png', second, []))


@pytest.mark.parametrize('boxes', [([], [[0, 0, 2, 2]]), ([[0, 0, 2, 2]], []), ([], [])])
def test_image_without_boxes(boxes):
    first, second = (sample(name, plain(9), box) for name, box in zip('ab', boxes, strict=True))
    mixed = mix(first, second, ratio=0.75)
    weights = [0.75] * len(boxes[0]) + [0.25] * len(boxes[1])
    assert mixed['gt_bboxes_weights'].tolist() == weights
    instances = PackDetInputs()(mixed)['data_samples'].gt_instances
    assert instances.bboxes.tensor.shape == (len(weights), 4)
    assert instances.weights.tolist() == weights
    assert instances.weights.dtype == torch.float32


def test_boxes_as_arrays():
    first, second = sample('a', plain(9), [[0, 0, 2, 2]]), sample('b', plain(9), [[1, 1, 2, 2]])
    first['gt_bboxes'] = first['gt_bboxes'].numpy()
    assert mix(first, second)['gt_bboxes'].tensor.tolist() == [[0, 0, 2, 2], [1, 1, 2, 2]]
    second['gt_bboxes'] = second['gt_bboxes'].numpy()
    assert mix(first, second)['gt_bboxes'].tolist() == [[0, 0, 2, 2], [1, 1, 2, 2]]


def bitmaps(shape, *boxes):
    masks = np.zeros((len(boxes), *shape), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = 1
    return BitmapMasks(masks, *shape)


def polygons(shape, *boxes):
    corners = [[np.array([a, b, c, b, c, d, a, d], np.float32)] for a, b, c, d in boxes]
    return PolygonMasks(corners, *shape)


@pytest.mark.parametrize('make', [(bitmaps,) * 2, (polygons,) * 2, (bitmaps, polygons)])
def test_masks_of_both(make):
    box = (1, 1, 3, 2)
    first = sample('a', plain(9, (4, 6, 3)), [box], gt_masks=make[0]((4, 6), box))
    second = sample('b', plain(9, (8, 4, 3)), [box] * 2, gt_masks=make[1]((8, 4), box, box))
    masks = mix(first, second)['gt_masks']
    assert (masks.height, masks.width) == (8, 6)
    assert np.array_equal(masks.to_ndarray() > 0, bitmaps((8, 6), *[box] * 3).masks > 0)


def test_no_masks_in_either_of_two_empty_images():
    samples = [sample(name, plain(9), [], gt_masks=bitmaps((4, 6))) for name in 'ab']
    assert mix(*samples)['gt_masks'].masks.shape == (0, 4, 6)


@pytest.mark.parametrize('ratio', [0.4, 0.5, 0.6])
def test_semantic_map_of_the_heavier_image(ratio):
    maps = [np.full((4, 6), 1, np.uint8), np.full((5, 3), 2, np.uint8)]
    first = sample('a', plain(9), [], gt_seg_map=maps[0], ignore_index=77)
    second = sample('b', plain(9, (5, 3, 3)), [], gt_seg_map=maps[1])
    mixed = mix(first, second, ratio=ratio)['gt_seg_map']
    expected = np.full((5, 6), 77)
    if ratio >= 0.5:
        expected[:4] = 1
    else:
        expected[:, :3] = 2
    assert np.array_equal(mixed, expected)


def test_proposals_of_both():
    first, second = (
        sample(name, plain(9), [], proposals=np.ones((2, 4)), proposals_scores=np.ones(2))
        for name in 'ab'
    )
    mixed = mix(first, second)
    assert mixed['proposals'].shape == (4, 4)
    assert mixed['proposals_scores'].shape == (4,)


@pytest.mark.parametrize('key', ['gt_bboxes', 'gt_bboxes_labels', 'gt_masks', 'gt_seg_map'])
def test_annotations_of_one_image_missing(key):
    first, second = (
        sample(name, plain(9), [], gt_masks=bitmaps((4, 6)), gt_seg_map=np.zeros((4, 6)))
        for name in ('a.png', 'b.png')
    )
    del second[key]
    with pytest.raises(UserError, match=f'b.png comes without {key}: .*LoadAnnotations'):
        mix(first, second)


@pytest.mark.parametrize('key', ['img', 'gt_bboxes', 'gt_bboxes_labels'])
def test_nothing_loaded(key):
    first = sample('a.png', plain(9), [])
    del first[key]
    with pytest.raises(UserError, match=rf'a\.png comes without {key}:'):
        DetectionMixUp(prob=0)(first)


def test_unweighted():
    first, second = sample('a', plain(100), [[0, 0, 2, 2]]), sample('b', plain(200), [[1, 1, 2, 2]])
    mixed = mix(first, second, ratio=0.25, weighted=False)
    assert (mixed['img'] == 175).all()
    assert mixed['gt_bboxes_weights'].tolist() == [1, 1]


def test_mixing_again_multiplies_weights():
    samples = [sample(name, plain(9), [[0, 0, 2, 2]]) for name in 'abc']
    once = mix(samples[0], samples[1], ratio=0.75)
    assert mix(once, samples[2], ratio=0.5)['gt_bboxes_weights'].tolist() == [0.375, 0.125, 0.5]
    assert mix(samples[2], once, ratio=0.5)['gt_bboxes_weights'].tolist() == [0.5, 0.375, 0.125]


@pytest.mark.parametrize('parameters', [(1.5, 1.5), (1.0, 1.0), (2.0, 0.5)])
def test_ratios_are_beta_distributed(parameters):
    transform = DetectionMixUp(*parameters)
    first, second = sample('a', plain(9, (1, 1, 3)), []), sample('b', plain(9, (1, 1, 3)), [])
    ratios = [transform({**first, 'mix_results': [second]})['mixup_ratio'] for _ in range(2000)]
    assert kstest(ratios, beta(*parameters).cdf).pvalue > 1e-3


def test_inputs_stay_as_they_are():
    first, second = (
        sample(name, plain(9), [[0, 0, 2, 2]], gt_masks=polygons((4, 6), (0, 0, 2, 2)))
        for name in 'ab'
    )
    kept = copy.deepcopy((first, second))
    mixed = mix(first, second)
    mixed['img'][:] = 0
    mixed['gt_bboxes'].translate_([1, 1])
    mixed['gt_masks'].masks[1][0][:] = 0
    for before, after in zip(kept, (first, second), strict=True):
        assert np.array_equal(before['img'], after['img'])
        assert torch.equal(before['gt_bboxes'].tensor, after['gt_bboxes'].tensor)
        assert np.array_equal(before['gt_masks'].masks[0][0], after['gt_masks'].masks[0][0])


def test_partner_is_any_other_image():
    dataset = mix_dataset(3)
    pairs = [(i, dataset[i]['mixup_partner']) for i in range(3) for _ in range(100)]
    counts = {pair: pairs.count(pair) for pair in pairs}
    assert set(counts) == {(i, f'{j}.png') for i in range(3) for j in range(3) if i != j}
    assert min(counts.values()) > 30


def test_partner_is_another_image_without_names():
    """Without path, id and number, the pixels tell."""
    samples = [sample(None, plain(value), []) for value in (1, 2)]
    transform = DetectionMixUp(ratio=0.5)
    transform.get_indexes(samples)
    mixed = transform({**samples[0], 'mix_results': [copy.deepcopy(samples[0])]})
    assert (mixed['img'] == 2).all()


def test_unlucky_draws(monkeypatch):
    """Of two images, every draw is the first one."""
    dataset = mix_dataset(2)
    monkeypatch.setattr(np.random, 'randint', lambda high, size: np.zeros(size, int))
    assert dataset[0]['mixup_partner'] == '1.png'


def test_dataset_of_one_image():
    with pytest.raises(UserError, match=r'another one, but the data set has 1: add images'):
        mix_dataset(1)[0]
    assert len(mix_dataset(1, prob=0)[0]['gt_bboxes']) == 1


def test_dataset_of_copies_of_one_image():
    first = sample('a', plain(9), [])
    transform = DetectionMixUp()
    transform.get_indexes([first] * 3)
    with pytest.raises(UserError, match=r'no second image for a: .*at least two different'):
        transform({**first, 'mix_results': [first]})


def test_without_a_partner():
    with pytest.raises(UserError, match=r'no second image for a: .*MultiImageMixDataset'):
        DetectionMixUp()(sample('a', plain(9), []))


def test_how_often():
    dataset = mix_dataset(4, prob=0.3)
    results = [dataset[0] for _ in range(500)]
    mixed = ['mixup_ratio' in result for result in results]
    assert 0.24 < np.mean(mixed) < 0.36
    assert len(dataset.dataset.loaded) < 500 + sum(mixed) * 1.7  # none for nothing
    plain_result = results[mixed.index(False)]
    assert plain_result['gt_bboxes_weights'].tolist() == [1]
    assert (plain_result['img'] == 0).all()


def test_switched_off_by_the_wrapper():
    dataset = mix_dataset(4, {'type': 'mmvisx.PackDetInputs'})
    assert dataset[0]['data_samples'].gt_instances.weights.tolist() != [1]
    dataset.update_skip_type_keys(['mmvisx.DetectionMixUp'])
    dataset.dataset.loaded.clear()
    packed = dataset[3]
    assert dataset.dataset.loaded == [3]
    assert (packed['inputs'] == 60).all()
    assert packed['data_samples'].gt_instances.weights.tolist() == [1]


@pytest.mark.parametrize(
    'bad', [{'alpha': 0}, {'beta': -1}, {'ratio': 1.1}, {'prob': 2}, {'cache_size': -1}]
)
def test_bad_arguments(bad):
    ((name, value),) = bad.items()
    with pytest.raises(UserError, match=f'{name}={value}'):
        DetectionMixUp(**bad)
