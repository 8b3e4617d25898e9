"""SVHN's .mat files: what comes out, and what is wrong with others."""

import numpy as np
import pytest
from scipy.io import savemat

from mmvisx.datasets import SVHN
from mmvisx.datasets.classification.svhn import read_svhn
from mmvisx.utils import UserError


def write(path, images, labels):
    """Write (N, 32, 32, 3) images and the digits as SVHN does: N last, 10 for 0."""
    labels = np.array([[10 if label == 0 else label] for label in labels], np.uint8)
    savemat(path, dict(X=images.transpose(1, 2, 3, 0), y=labels), do_compression=True)
    return path


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 255, (7, 32, 32, 3), np.uint8)


def test_images_and_digits_come_out(tmp_path, images):
    digits = [3, 0, 9, 1, 0, 5, 2]
    write(tmp_path / 'train_32x32.mat', images, digits)
    data = SVHN(str(tmp_path), pipeline=[dict(type='mmpretrain.PackInputs')])
    assert len(data) == 7
    assert data.get_gt_labels().tolist() == digits
    assert data.metainfo['classes'][digits[1]] == '0'
    for index in range(7):
        # (3, H, W), red first, as in the file
        assert np.array_equal(data[index]['inputs'].numpy(), images[index].transpose(2, 0, 1))


def test_a_file_that_is_cut_short(tmp_path, images):
    path = write(tmp_path / 'train_32x32.mat', images, range(7))
    whole = path.read_bytes()
    for share in (0.0, 0.001, 0.1, 0.5, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(UserError, match=r'train_32x32.mat (cannot be read|has X).*'):
            read_svhn(path)


def test_what_is_refused(tmp_path, images):
    with pytest.raises(UserError, match=r'test_32x32.mat does not exist: download it from'):
        SVHN(str(tmp_path), split='test')
    with pytest.raises(UserError, match=r"split='val' of SVHN should be one of train, test, extra"):
        SVHN(str(tmp_path), split='val')
    path = tmp_path / 'x.mat'
    savemat(path, dict(X=images[:, :28].transpose(1, 2, 3, 0), y=np.ones((7, 1))))
    with pytest.raises(UserError, match=r'X \(28, 32, 3, 7\) uint8 and y \(7,\)'):
        read_svhn(path)
    savemat(path, dict(X=images.transpose(1, 2, 3, 0), y=np.ones((6, 1))))
    with pytest.raises(UserError, match=r'y \(6,\)'):
        read_svhn(path)
    savemat(path, dict(y=np.ones((6, 1))))
    with pytest.raises(UserError, match=r'has X \(0,\)'):
        read_svhn(path)
    savemat(path, dict(X=images.transpose(1, 2, 3, 0), y=np.arange(7)))
    with pytest.raises(UserError, match=r'has the label 0; labels go from 1 to 10'):
        read_svhn(path)
