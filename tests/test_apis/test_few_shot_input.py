"""What people give: photographs of all kinds, and disks that are full."""

import os

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmvisx.apis.build import build_model
from mmvisx.apis.few_shot_bank import _open, bank_dataset, build_bank, fill_bank
from mmvisx.apis.few_shot_teach import TeachableClassifier
from mmvisx.utils import UserError
from tests.helpers.few_shot import classifier_config, write_checkpoint, write_classes
from tests.helpers.full_disk import full_disk


@pytest.fixture
def made(tmp_path):
    write_classes(tmp_path / 'images')
    cfg = classifier_config(tmp_path / 'images')
    return cfg, write_checkpoint(cfg, tmp_path / 'weights.pth'), tmp_path


@pytest.fixture
def teacher(made):
    cfg, checkpoint, folder = made
    build_bank(cfg, checkpoint, folder / 'bank', dtype='float32')
    return TeachableClassifier(
        cfg, checkpoint, folder / 'bank', show_progress=False, device='cpu'
    ), folder


@pytest.mark.parametrize('mode', ['L', '1', 'P', 'RGBA', 'LA'])
def test_a_photo_without_colours(teacher, mode):
    model, folder = teacher
    rng = np.random.default_rng(0)
    grey = np.where(rng.random((32, 32)) < 0.5, 0, 255).astype(np.uint8)
    Image.fromarray(grey).convert('RGB').convert(mode).save(folder / 'photo.png')
    cv2.imwrite(str(folder / 'colours.png'), np.repeat(grey[..., None], 3, axis=2))
    found, same = (model.activations([folder / f'{n}.png']) for n in ('photo', 'colours'))
    torch.testing.assert_close(found, same)
    model.add_photos('dots', [folder / 'photo.png'])
    assert model.classes[-1] == 'dots'


def test_saving_on_a_full_disk(teacher):
    model, folder = teacher
    model.add_photos('dog', [folder / 'images/ant/0.png'])
    model.save(folder / 'taught.pth')
    before = (folder / 'taught.pth').read_bytes()
    model.add_photos('elk', [folder / 'images/bee/0.png'])
    with full_disk(10_000), pytest.raises(UserError, match=r'taught\.pth'):
        model.save(folder / 'taught.pth')
    assert (folder / 'taught.pth').read_bytes() == before
    assert not list(folder.glob('.*.part'))
    model.save(folder / 'taught.pth')
    again = TeachableClassifier(model.cfg, folder / 'taught.pth', show_progress=False, device='cpu')
    assert again.classes[-2:] == ('dog', 'elk')


@pytest.mark.parametrize(
    ('size', 'file'), [(100, 'files.txt'), (150, 'labels.npy'), (2000, 'activations.npy')]
)
def test_building_a_bank_on_a_full_disk(made, size, file):
    cfg, checkpoint, folder = made
    model, images = build_model(cfg, checkpoint), bank_dataset(cfg, 'train')
    with full_disk(size), pytest.raises(UserError, match=rf'bank/{file}'):
        fill_bank(model, images, folder / 'bank', dtype='float32')
    assert not list((folder / 'bank').glob('.*.part'))
    bank = build_bank(cfg, checkpoint, folder / 'bank', dtype='float32')
    whole = build_bank(cfg, checkpoint, folder / 'whole', dtype='float32')
    np.testing.assert_array_equal(bank.activations, whole.activations)


def test_the_room_of_a_bank_is_taken_at_once(tmp_path):
    """What is missing later kills a process that writes through a memory map."""
    assert _open(tmp_path, 1000, 300, 'float16').shape == (1000, 300)
    found = os.stat(tmp_path / 'activations.npy')
    assert found.st_blocks * 512 >= 1000 * 300 * 2
