import cv2
import numpy as np
import pytest

from mmvisx.datasets.features.embedded_clustering.images import (
    list_pictures,
    picture_vectors,
    pixels,
    read_picture,
    read_stl_images,
    read_stl_labels,
)
from mmvisx.datasets.features.embedded_clustering.write import unit_factor, write_vectors
from mmvisx.utils.errors import UserError

RNG = np.random.default_rng(0)


def write(path, shape=(6, 5, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = RNG.integers(0, 255, shape).astype(np.uint8)
    cv2.imwrite(str(path), image)
    return image


def test_class_folders_are_classes(tmp_path):
    for name in ('cat/1.png', 'cat/deep/0.png', 'dog/1.jpg', '.hidden/1.png', 'cat/notes.txt'):
        write(tmp_path / name) if name[-3:] != 'txt' else (tmp_path / name).write_text('x')
    files, labels = list_pictures(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        'cat/1.png', 'cat/deep/0.png', 'dog/1.jpg'
    ]  # fmt: skip
    assert labels == ['cat', 'cat', 'dog']


@pytest.mark.parametrize('names', [['1.png', '2.png'], ['1.png', 'cat/2.png'], ['cat/1.png']])
def test_without_class_folders_there_are_no_labels(tmp_path, names):
    for name in names:
        write(tmp_path / name)
    assert list_pictures(tmp_path).labels is None


def test_folder_without_pictures(tmp_path):
    with pytest.raises(UserError, match='has no picture'):
        list_pictures(tmp_path)
    with pytest.raises(UserError, match='is no folder'):
        list_pictures(tmp_path / 'none')


def test_pixels_red_first():
    image = RNG.integers(0, 255, (2, 3, 3)).astype(np.uint8)
    assert pixels(image).tolist() == [int(v) for row in image for p in row for v in p[::-1]]
    grey = 0.114 * image[..., 0] + 0.587 * image[..., 1] + 0.299 * image[..., 2]
    np.testing.assert_allclose(pixels(image, grey=True), grey.ravel(), atol=0.51)


def test_broken_pictures_are_skipped_and_named(tmp_path):
    good = [write(tmp_path / name) for name in ('a.png', 'd.png')]
    (tmp_path / 'b.png').write_bytes((tmp_path / 'a.png').read_bytes()[:60])
    (tmp_path / 'c.jpg').write_text('no picture')
    files = list_pictures(tmp_path).files
    vectors, kept, skipped = picture_vectors(files, pixels)
    assert kept == [0, 3]
    assert vectors.tolist() == [image[..., ::-1].ravel().tolist() for image in good]
    assert vectors.dtype == np.uint8
    assert len(skipped) == 2
    assert skipped[0].startswith(f'{tmp_path}/b.png: is truncated or broken')
    assert f'{tmp_path}/c.jpg' in skipped[1]
    with pytest.raises(UserError, match=r'none of 2 pictures can be read; the first: .*b\.png'):
        picture_vectors(files[1:3], pixels)
    assert read_picture(tmp_path / 'none.png') == 'cannot be read (No such file or directory)'


def test_pictures_of_other_sizes_are_resized(tmp_path):
    write(tmp_path / 'a.png')
    write(tmp_path / 'b.png', (7, 7, 3))
    files = list_pictures(tmp_path).files
    with pytest.raises(UserError, match=r'b\.png of 7x7 pixels has 147 values, those before it 90'):
        picture_vectors(files, pixels)
    assert picture_vectors(files, pixels, size=4)[0].shape == (2, 48)


def test_stl_binaries_are_planes_of_columns(tmp_path):
    images = RNG.integers(0, 255, (2, 96, 96, 3)).astype(np.uint8)  # row, column, red green blue
    content = bytearray()
    for image in images:
        for channel in range(3):
            for column in range(96):
                content += image[:, column, channel].tobytes()
    (tmp_path / 'train_X.bin').write_bytes(content)
    found = list(read_stl_images(tmp_path / 'train_X.bin'))
    assert [image[..., ::-1].tolist() for image in found] == images.tolist()
    (tmp_path / 'train_X.bin').write_bytes(content[:-1])
    with pytest.raises(UserError, match='has 55295 bytes, not a number of pictures of 27648'):
        list(read_stl_images(tmp_path / 'train_X.bin'))
    with pytest.raises(UserError, match='has no bytes'):
        list(read_stl_images(tmp_path / 'none.bin'))


def test_stl_labels_count_from_one(tmp_path):
    path = tmp_path / 'train_y.bin'
    path.write_bytes(bytes([1, 10, 3]))
    assert read_stl_labels(path, 3).tolist() == [0, 9, 2]
    with pytest.raises(UserError, match='has 3 labels from 1 to 10 for 4 pictures'):
        read_stl_labels(path, 4)
    path.write_bytes(bytes([0, 10, 3]))
    with pytest.raises(UserError, match='from 0 to 10'):
        read_stl_labels(path, 3)


def test_nothing_is_overwritten(tmp_path):
    vectors = np.ones((2, 3), np.float32)
    path = write_vectors(tmp_path / 'a', vectors, ['x', 'y'], files=['1', '2'], skipped=[])
    assert np.load(path).tolist() == vectors.tolist()
    assert sorted(p.name for p in path.parent.iterdir()) == [
        'files.txt', 'labels.txt', 'vectors.npy'
    ]  # fmt: skip
    with pytest.raises(UserError, match=r'vectors\.npy is there already'):
        write_vectors(tmp_path / 'a', vectors)
    assert write_vectors(tmp_path / 'a', vectors, name='others').name == 'others.npy'


def test_unit_factor():
    vectors = RNG.standard_normal((20, 7)) * 9
    scaled = vectors * unit_factor(vectors)
    assert np.mean([(row**2).sum() / 7 for row in scaled]) == pytest.approx(1, rel=1e-12)
    with pytest.raises(UserError, match='all points are zeros'):
        unit_factor(np.zeros((3, 2)))
