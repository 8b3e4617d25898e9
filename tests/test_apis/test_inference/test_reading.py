"""The test pipeline between an image and the network, with loaders of other kinds."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmvisx.apis.inference.reading import Reader
from tests.helpers.inferencers import TASKS, config_of


def reader(task, **loader):
    cfg = config_of(task)
    cfg.test_dataloader.dataset.pipeline[0].update(loader)
    return Reader(cfg)


@pytest.fixture
def turned(tmp_path):
    """A photograph whose EXIF data turn it: 32 high and 64 wide in the file."""
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / 'turned.jpg'
    noise = np.random.default_rng(0).integers(0, 255, (32, 64, 3), np.uint8)
    Image.fromarray(noise).save(path, exif=exif)
    return path


@pytest.mark.parametrize('task', TASKS)
def test_the_picture_is_what_the_network_sees(task, turned):
    """Also where the config loads a photograph unturned, as check_dataset.py advises."""
    with Image.open(turned) as image:
        flat = np.array(image)
    plain = reader(task, color_type='color_ignore_orientation')(str(turned), '', True)
    assert plain.picture.shape == (32, 64, 3)
    assert plain.data['data_samples'].ori_shape == (32, 64)
    assert np.abs(plain.picture.astype(int) - flat).max() <= 3  # two decoders of JPEG
    assert reader(task)(str(turned), '', True).picture.shape == (64, 32, 3)
    assert reader(task)(str(turned), '', False).picture is None


def test_grey_loaders_and_arrays_agree(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (24, 16, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    read = reader('classifier', color_type='grayscale', to_float32=True)
    file, array = (read(item, '', True) for item in (str(tmp_path / 'image.png'), image))
    assert file.shape == array.shape == (1, 24, 16)
    # OpenCV's weights of red, green and blue: 0.299, 0.587 and 0.114.
    expected = image[..., 2] * 0.299 + image[..., 1] * 0.587 + image[..., 0] * 0.114
    for sample in (file, array):
        assert sample.data['inputs'].dtype == torch.float32
        # libpng cuts off what OpenCV rounds.
        assert np.abs(sample.data['inputs'][0].numpy() - expected).max() <= 1.5
        assert np.abs(sample.picture - expected[..., None]).max() <= 1.5
