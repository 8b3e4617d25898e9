"""In data sets: repeatability, the partner cache, files of different kinds."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.datasets import MultiImageMixDataset
from mmdet.utils import register_all_modules
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader, SequentialSampler

from mmvisx.datasets.transforms import DetectionMixUp
from mmvisx.engine.hooks.random_state import NumberedSampler, SeededFetch
from mmvisx.utils import UserError
from tests.helpers.datasets import CLASSES, coco_content, write_coco
from tests.helpers.detection_mixup_samples import mix_dataset, plain, sample


@pytest.fixture(autouse=True)
def _numpy_seed():
    np.random.seed(0)


def epochs(workers, start=0, count=2, images=12, **mixup):
    """Samples of some epochs, loaded like RandomStateHook has them loaded."""
    dataset = mix_dataset(images, {'type': 'mmvisx.PackDetInputs'}, **mixup)
    dataset.__getitems__ = SeededFetch(dataset, seed=3)
    sampler = NumberedSampler(SequentialSampler(dataset))
    loader = DataLoader(dataset, 2, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate)
    sampler.epoch = start
    samples = []
    for _ in range(count):
        for batch in loader:
            samples += zip(batch['inputs'], batch['data_samples'], strict=True)
    return samples


def equal(one, other):
    return len(one) == len(other) and all(
        torch.equal(a[0], b[0])
        and torch.equal(a[1].gt_instances.weights, b[1].gt_instances.weights)
        and a[1].mixup_partner == b[1].mixup_partner
        for a, b in zip(one, other, strict=True)
    )


def test_samples_do_not_depend_on_the_workers():
    samples = epochs(0)
    assert equal(samples, epochs(2))
    assert equal(samples[12:], epochs(2, start=1, count=1))  # resumed
    assert not equal(samples[:12], samples[12:])


def test_with_a_cache_they_depend_on_the_number_of_workers_only():
    samples = epochs(2, cache_size=4)
    assert equal(samples[:12], epochs(2, count=1, cache_size=4))
    assert equal(samples[12:], epochs(2, start=1, count=1, cache_size=4))
    assert not equal(samples, epochs(0, cache_size=4))


def test_partner_is_one_of_the_last_images():
    dataset = mix_dataset(10, cache_size=3)
    partners = [int(dataset[i]['mixup_partner'][:-4]) for i in range(10)]
    assert dataset.dataset.loaded[0] == 0
    assert len(dataset.dataset.loaded) == 11  # the first image's partner, and each image once
    assert all(0 < i - partner <= 3 for i, partner in enumerate(partners) if i)
    assert len({i - partner for i, partner in enumerate(partners) if i}) > 1


def test_images_that_are_not_mixed_are_kept_too():
    transform = DetectionMixUp(prob=0, cache_size=1)
    first = transform(sample('a', plain(100), [[0, 0, 2, 2]]))
    first['img'][:] = 7  # what comes next may write into the image
    transform.prob = 1
    mixed = transform(sample('b', plain(50), []))
    assert mixed['mixup_partner'] == 'a'
    ratio = mixed['mixup_ratio']
    assert np.abs(mixed['img'] - (ratio * 50 + (1 - ratio) * 100)).max() <= 0.51


def test_cached_images_stay_unmixed():
    dataset = mix_dataset(2, cache_size=1, ratio=0.5)
    for i in [0, 1] * 5:
        assert (dataset[i]['img'][:4, :6] == 10).all()  # half of 0 and half of 20


def write_images(folder):
    """A colour, a grey and a four-channel file of 40 x 30 pixels with two objects each."""
    path = write_coco(folder, coco_content(3))
    for name, channels in ((2, 1), (3, 4)):
        image = np.random.default_rng(name).integers(0, 255, (30, 40, channels), np.uint8)
        cv2.imwrite(str(folder / 'img' / f'{name}.png'), image)
    text = path.read_text().replace('2.jpg', '2.png').replace('3.jpg', '3.png')
    path.write_text(text)
    return path


@pytest.mark.parametrize('color_type', ['color', 'grayscale', 'unchanged'])
def test_grey_and_four_channel_files(tmp_path, color_type):
    register_all_modules(init_default_scope=True)
    data = {
        'type': 'mmvisx.CocoDataset',
        'ann_file': str(write_images(tmp_path)),
        'data_prefix': {'img': str(tmp_path / 'img')},
        'metainfo': {'classes': CLASSES},
        'pipeline': [
            {'type': 'mmvisx.LoadImageFromFile', 'color_type': color_type},
            {'type': 'mmvisx.LoadAnnotations', 'with_bbox': True},
        ],
    }
    steps = [
        {'type': 'mmvisx.DetectionMixUp'},
        {'type': 'mmdet.Resize', 'scale': (20, 20)},
        {'type': 'mmvisx.PackDetInputs'},
    ]
    dataset = MultiImageMixDataset(data, steps)
    if color_type == 'unchanged':
        with pytest.raises(UserError, match=r'\d\.(png|jpg) and .*\d\.(png|jpg): .*color_type'):
            dataset[0]
        return
    for index in range(3):
        packed = dataset[index]
        assert packed['inputs'].shape == (1 if color_type == 'grayscale' else 3, 20, 20)
        assert len(packed['data_samples'].gt_instances) == 4
