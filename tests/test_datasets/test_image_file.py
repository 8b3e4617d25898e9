import io

import cv2
import pytest
from PIL import Image

from mmvisx.datasets.image_file import image_fault, read_image_bytes
from mmvisx.utils import UserError
from tests.helpers.datasets import noise_image


def encoded(suffix):
    return cv2.imencode(suffix, noise_image(64, 64))[1].tobytes()


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp'])
@pytest.mark.parametrize('decode', [False, True])
def test_whole_images_pass(suffix, decode):
    assert image_fault(encoded(suffix), decode) is None


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('decode', [False, True])
@pytest.mark.parametrize('share', [0.1, 0.5, 0.95])
def test_truncated_images_are_found(suffix, decode, share):
    data = encoded(suffix)
    assert 'truncated' in image_fault(data[: int(share * len(data))], decode)


def test_opencv_alone_reads_a_truncated_jpeg(tmp_path):
    # The reason for image_fault: if this fails, OpenCV has begun to refuse them.
    data = encoded('.jpg')
    (tmp_path / 'a.jpg').write_bytes(data[: len(data) // 2])
    assert cv2.imread(str(tmp_path / 'a.jpg')) is not None


def test_bytes_after_the_end_are_no_fault():
    assert image_fault(encoded('.jpg') + b'\0' * 100) is None


def test_thumbnail_does_not_hide_a_truncation():
    # An Exif thumbnail is a whole JPEG with an end mark of its own.
    exif = Image.Exif()
    exif[0x010E] = 'x'
    small, full = encoded('.jpg'), io.BytesIO()
    Image.fromarray(noise_image(64, 64)).save(full, 'JPEG', exif=exif.tobytes())
    data = full.getvalue()
    with_thumbnail = data[:2] + b'\xff\xe2' + (len(small) + 2).to_bytes(2, 'big') + small + data[2:]
    assert image_fault(with_thumbnail) is None
    assert 'truncated' in image_fault(with_thumbnail[: -len(data) // 3])


def test_empty_and_foreign_files():
    assert image_fault(b'') == 'is an empty file'
    assert image_fault(b'<html>not found</html>', decode=True) == 'is no image'


def test_missing_file_names_path_and_hint(tmp_path):
    with pytest.raises(UserError, match=r'no\.jpg does not exist: look there'):
        read_image_bytes(str(tmp_path / 'no.jpg'), 'look there')


def test_folder_instead_of_file(tmp_path):
    with pytest.raises(UserError, match=str(tmp_path)):
        read_image_bytes(str(tmp_path), 'look there')
