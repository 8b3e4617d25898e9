"""Weights stay with their boxes through mmdet's transforms, whatever these do."""

import copy
import pickle
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.datasets import MultiImageMixDataset
from mmdet.utils import register_all_modules
from mmengine.registry import TRANSFORMS

from mmvisx.datasets.transforms import PackDetInputs
from mmvisx.datasets.transforms.detection_mixup_weights import (
    WeightedLabels,
    WeightedResults,
    box_weights,
)
from mmvisx.utils import UserError
from tests.helpers.detection_mixup_samples import painted, plain, sample


@pytest.fixture(autouse=True, scope='module')
def _mmdet():
    register_all_modules(init_default_scope=True)


def labels(*weights):
    return WeightedLabels(np.arange(len(weights)), np.array(weights))


def test_indexing_and_joining():
    carrier = labels(0.5, 0.25, 1)
    for index in (np.array([2, 0]), np.array([True, False, True]), [1], slice(None, None, -1)):
        assert carrier[index].weights.tolist() == carrier.weights[index].tolist()
    assert carrier[1] == 1
    assert carrier[torch.tensor([True, False, False])].weights.tolist() == [0.5]
    joined = np.concatenate([np.zeros(2, np.int64), carrier, carrier[:1]], axis=0)
    assert joined.weights.tolist() == [1, 1, 0.5, 0.25, 1, 0.5]
    assert np.hstack([np.zeros(1, np.int64), carrier]).weights.tolist() == [1, 0.5, 0.25, 1]
    assert carrier.dtype == np.int64


@pytest.mark.parametrize('how', [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies(how):
    carrier = labels(0.5, 0.25)
    copied = how(carrier)
    assert type(copied) is WeightedLabels
    assert copied.tolist() == [0, 1]
    copied.weights[0] = 0
    assert carrier.weights.tolist() == [0.5, 0.25]


def test_what_neither_indexes_nor_joins_has_no_weights():
    carrier = labels(0.5, 0.25)
    assert (carrier + 1).weights is None
    assert np.delete(carrier, 1).weights is None
    assert np.where(carrier == 0, 5, carrier).tolist() == [5, 1]


def test_results_write_the_weights_out():
    results = WeightedResults(sample('a', plain(1), [[0, 0, 1, 1]] * 3))
    results.set_weights(np.array([0.5, 0.25, 1]))
    for changed in (results, results.copy(), copy.deepcopy(results), results | {}):
        changed['gt_bboxes_labels'] = changed['gt_bboxes_labels'][[2, 0]]
        assert changed['gt_bboxes_weights'].tolist() == [1, 0.5]
    results.update(gt_bboxes_labels=results['gt_bboxes_labels'][:1])
    assert results['gt_bboxes_weights'].tolist() == [1]
    results |= {'gt_bboxes_labels': labels(0.5)}
    assert results['gt_bboxes_weights'].tolist() == [0.5]


@pytest.mark.parametrize(
    'view', [np.s_[:, ::-1], np.s_[::-1, ::-1, ::-1], np.s_[1:, ::2], np.s_[:]]
)
def test_copies_of_mirrored_images(view):
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    results = WeightedResults(img=image[view], nested={'boxes': [image]}, empty=image[:0, ::-1])
    results['self'] = results
    copied = copy.deepcopy(results)
    assert type(copied) is WeightedResults
    assert copied['self'] is copied
    assert np.array_equal(copied['img'], results['img'])
    assert copied['empty'].shape == (0, 7, 3)
    for shared in (copied['img'], copied['nested']['boxes'][0]):
        assert not np.shares_memory(shared, image)


def test_plain_labels_keep_the_weights_of_as_many_boxes():
    results = WeightedResults(sample('a', plain(1), [[0, 0, 1, 1]] * 2))
    results.set_weights(np.array([0.5, 0.25]))
    results['gt_bboxes_labels'] = np.array([3, 4])
    assert PackDetInputs()(results)['data_samples'].gt_instances.weights.tolist() == [0.5, 0.25]


def test_boxes_dropped_by_a_transform_that_knows_no_labels():
    results = WeightedResults(sample('a.png', plain(1), [[0, 0, 1, 1]] * 2))
    results.set_weights(np.array([0.5, 0.25]))
    results['gt_bboxes'] = results['gt_bboxes'][:1]
    with pytest.raises(UserError, match=r'a.png has 1 boxes, but 2 box weights: .*label_fields'):
        PackDetInputs()(results)


def test_packing_without_boxes_or_weights():
    results = sample('a', plain(1), [[0, 0, 1, 1]] * 2)
    assert PackDetInputs()(results)['data_samples'].gt_instances.weights.tolist() == [1, 1]
    assert 'weights' not in PackDetInputs()({'img': plain(1)})['data_samples'].gt_instances


# mmdet's transforms that drop, repeat, join or rewrite boxes, or pass results on to others.
TRANSFORMS_OF_MMDET = {
    'FilterAnnotations': {'min_gt_bbox_wh': (3, 3), 'keep_empty': False},
    'FilterAnnotations by mask': {'by_mask': True, 'min_gt_mask_area': 9, 'keep_empty': False},
    'MinIoURandomCrop': {'min_crop_size': 0.4},
    'Expand': {},
    'RandomShift': {'prob': 1.0, 'max_shift_px': 12},
    'RandomAffine': {},
    'RandomErasing': {'n_patches': 3, 'ratio': 0.4, 'bbox_erased_thr': 0.5},
    'RandomCenterCropPad': {
        'crop_size': (32, 32),
        'ratios': (0.7, 1.0),
        'mean': (0, 0, 0),
        'std': (1, 1, 1),
        'to_rgb': False,
        'test_pad_mode': None,
    },
    'RandomCrop': {'crop_size': (0.4, 0.4), 'crop_type': 'relative_range'},
    'Rotate': {'prob': 1.0, 'level': 9},
    'TranslateX': {'prob': 1.0, 'level': 9},
    'RandAugment': {},
    'AutoAugment': {},
    'PhotoMetricDistortion': {},
    'Mosaic': {'img_scale': (40, 40)},
    'CachedMosaic': {'img_scale': (40, 40), 'random_pop': False},
    'MixUp': {'img_scale': (40, 40)},
    'CachedMixUp': {'img_scale': (40, 40), 'random_pop': False},
    'CopyPaste': {'bbox_occluded_thr': 1},
}
WITHOUT_MASKS = ('MinIoURandomCrop', 'RandomAffine', 'RandomShift', 'Mosaic', 'MixUp', 'CropPad')


@pytest.mark.parametrize('name', TRANSFORMS_OF_MMDET)
@settings(max_examples=12, deadline=None)
@given(st.lists(painted('a', 0), min_size=4, max_size=4), st.integers(0, 999))
def test_weights_follow_the_boxes(name, samples, seed):
    """The result is that without weights, and each weight is the one its label came with."""
    transform = TRANSFORMS.build({'type': f'mmdet.{name.split()[0]}', **TRANSFORMS_OF_MMDET[name]})
    given_weights = np.linspace(0, 1, 51, dtype=np.float32)
    results = []
    for weighted in (True, False):
        items = [WeightedResults(copy.deepcopy(item)) for item in samples]
        for item in items:
            if name != 'RandomCenterCropPad':  # that one wants floats
                item['img'] = item['img'].astype(np.uint8)
            if name == 'CopyPaste':
                TRANSFORMS.build({'type': 'mmdet.Pad', 'size': (40, 40)})(item)
            if weighted:
                item.set_weights(given_weights[item['gt_bboxes_labels']])
            if name.endswith(WITHOUT_MASKS):
                del item['gt_masks']
        transform.results_cache = items[1:] * 4
        others = items[1:2] if name.endswith(('MixUp', 'CopyPaste')) else items[1:]
        np.random.seed(seed)
        random.seed(seed)
        results.append(transform(items[0] | {'mix_results': others}))
    mixed, plain_results = results
    if plain_results is None:
        assert mixed is None
        return
    assert np.array_equal(mixed['gt_bboxes_labels'], plain_results['gt_bboxes_labels'])
    assert torch.equal(mixed['gt_bboxes'].tensor, plain_results['gt_bboxes'].tensor)
    assert np.array_equal(mixed['img'], plain_results['img'])
    assert np.array_equal(box_weights(mixed), given_weights[plain_results['gt_bboxes_labels']])
    assert np.array_equal(mixed['gt_bboxes_weights'], box_weights(mixed))


def test_mosaic_of_mixed_images():
    inner = {
        'type': 'mmdet.MultiImageMixDataset',
        'dataset': {'type': 'mmvisx_test_plain', 'count': 6},
        'pipeline': [{'type': 'mmvisx.DetectionMixUp', 'ratio': 0.25}],
    }
    mosaic = {'type': 'mmdet.Mosaic', 'img_scale': (10, 10), 'prob': 1.0}
    dataset = MultiImageMixDataset(inner, [mosaic, {'type': 'mmvisx.PackDetInputs'}])
    instances = dataset[0]['data_samples'].gt_instances
    assert len(instances) > 2
    assert set(instances.weights.tolist()) == {0.25, 0.75}


@pytest.mark.parametrize('weight', [float('nan'), -0.01, 1.01, float('inf')])
def test_weights_out_of_range(weight):
    for wrap in (WeightedResults, dict):
        results = wrap(sample('a.png', plain(1), [[0, 0, 1, 1]] * 2))
        results['gt_bboxes_weights'] = np.array([0.5, weight])
        with pytest.raises(UserError, match=r'^a\.png has the box weights \[0\.5, .*in \[0, 1\]'):
            PackDetInputs()(results)
