"""What an inferencer is given by mistake: every one a prediction or one line that names it."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmvisx.apis.inference.inputs import listed
from mmvisx.apis.inference.reading import Reader
from mmvisx.utils import UserError
from tests.helpers.inferencers import pictures

NOISE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


def write(path, content):
    """Write bytes, a text or an image as it is."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content)
    elif isinstance(content, Image.Image):
        content.save(path, format={'.wrong.png': 'JPEG'}.get(''.join(path.suffixes)))
    else:
        assert cv2.imwrite(str(path), content)
    return path


def cut(path, image, share=0.6):
    """Write the first part of an image file."""
    write(path, Image.fromarray(image))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    return path


# Files that are read: name and content.
READ = {
    'another ending': ('a.wrong.png', Image.fromarray(NOISE)),
    'GIF': ('a.gif', Image.fromarray(NOISE)),
    'WebP': ('a.webp', Image.fromarray(NOISE)),
    'CMYK': ('a.jpg', Image.fromarray(NOISE).convert('CMYK')),
    'grey with alpha': ('a.png', Image.fromarray(NOISE).convert('LA')),
    'one bit': ('a.png', Image.fromarray(NOISE).convert('1')),
    '16 bit grey': ('a.png', NOISE[..., 0].astype(np.uint16) * 256),
    'numbers with a point': ('a.tiff', NOISE.astype(np.float32)),
    'NaN': ('a.tiff', np.full((48, 64, 3), np.nan, np.float32)),
    'one pixel': ('a.png', NOISE[:1, :1]),
    'one row': ('a.png', NOISE[:1]),
    'one column': ('a.png', NOISE[:, :1]),
    'a long strip': ('a.png', cv2.resize(NOISE, (6000, 8))),
}
# Files that are refused: name and content, what is said.
REFUSED = {
    'text': (lambda f: write(f / 'a.jpg', 'hello'), r'a\.jpg cannot be decoded'),
    'empty': (lambda f: write(f / 'a.png', b''), r'a\.png is an empty file'),
    'SVG': (lambda f: write(f / 'a.svg', '<svg/>'), r'a\.svg cannot be decoded'),
    'film': (lambda f: write(f / 'a.mp4', bytes(100)), r'a\.mp4 cannot be decoded'),
    'JPEG cut off': (lambda f: cut(f / 'a.jpg', NOISE), r'a\.jpg is truncated'),
    'PNG cut off': (lambda f: cut(f / 'a.png', NOISE), r'a\.png is truncated'),
    'BMP cut off': (lambda f: cut(f / 'a.bmp', NOISE), r'a\.bmp cannot be decoded'),
    'GIF cut off': (lambda f: cut(f / 'a.gif', NOISE), r'a\.gif cannot be decoded'),
    'WebP cut off': (lambda f: cut(f / 'a.webp', NOISE), r'a\.webp cannot be decoded'),
    'TIFF cut off': (lambda f: cut(f / 'a.tiff', NOISE), r'a\.tiff cannot be decoded'),
    'missing': (lambda f: f / 'a.png', r'a\.png: no such image or folder'),
    'empty path': (lambda f: '', 'an input is an empty path'),
    'long name': (lambda f: f / ('a' * 5000), 'no such image or folder: File name too long'),
    'no name': (lambda f: 'a\0b', 'no such image or folder'),
    'a folder called like an image': (
        lambda f: (f / 'x' / 'c.jpg').mkdir(parents=True) or f / 'x', 'x holds no image'
    ),
    'a list with one bad path': (
        lambda f: [write(f / 'b.png', NOISE), f / 'a.png'], r'a\.png: no such'
    ),
    'a list with None': (lambda f: [NOISE, None], 'an input is a NoneType'),
    'a list in a list': (lambda f: [[NOISE]], 'an input is a list'),
    'None': (lambda f: None, 'an input is a NoneType'),
    'dict': (lambda f: {'a.png': 1}, 'an input is a dict'),
    'content of a file': (lambda f: write(f / 'a.png', NOISE).read_bytes(), 'an input is a bytes'),
    'PIL image': (lambda f: Image.fromarray(NOISE), 'an input is a Image'),
    'batch': (lambda f: NOISE[None], r'shape \(1, 48, 64, 3\)'),
    'channels first': (lambda f: NOISE.transpose(2, 0, 1), r'shape \(3, 48, 64\)'),
    'four channels': (lambda f: np.zeros((8, 8, 4), np.uint8), r'shape \(8, 8, 4\)'),
    'no pixel': (lambda f: np.zeros((0, 8, 3), np.uint8), r'shape \(0, 8, 3\)'),
    'float': (lambda f: NOISE / 255, 'type float64'),
    'array of NaN': (lambda f: np.full((8, 8, 3), np.nan, np.float32), 'type float32'),
    'objects': (lambda f: np.empty((2, 2, 3), object), 'type object'),
}  # fmt: skip


@pytest.fixture(scope='module')
def read():
    """The part of an inferencer that comes before the network: lists and loads."""
    reader = _reader([dict(type='mmdet.Resize', scale=(64, 64))])
    return lambda inputs: [reader(image, 'array', True) for image in listed(inputs)]


def _reader(steps):
    load, pack = (
        dict(type='mmvisx.LoadImageFromFile'),
        dict(type='mmdet.PackDetInputs', meta_keys=()),
    )
    dataset = dict(type='mmvisx.CocoDataset', pipeline=[load, *steps, pack])
    return Reader(Config(dict(default_scope='mmdet', test_dataloader=dict(dataset=dataset))))


@pytest.mark.parametrize('case', READ)
def test_any_kind_of_image_is_read(read, tmp_path, case):
    name, content = READ[case]
    (sample,) = read(write(tmp_path / name, content))
    assert sample.data['inputs'].shape == (3, 64, 64)
    assert sample.picture.dtype == np.uint8
    size = content.size[::-1] if isinstance(content, Image.Image) else content.shape[:2]
    assert sample.picture.shape == (*size, 3)


@pytest.mark.parametrize('case', REFUSED)
def test_anything_else_is_one_line(read, tmp_path, case):
    make, message = REFUSED[case]
    inputs = make(tmp_path)
    with pytest.raises(UserError, match=message) as error:
        read(inputs)
    assert '\n' not in str(error.value)
    assert len(str(error.value)) < 400


def test_folders_of_mixed_things_give_their_images(read, tmp_path):
    write(tmp_path / 'b.png', NOISE)
    write(tmp_path / 'a.txt', 'x')
    (tmp_path / 'c.jpg').mkdir()
    assert [s.path for s in read(tmp_path)] == [str(tmp_path / 'b.png')]
    assert read([]) == []


@pytest.mark.parametrize('size', [(6000, 8), (8, 6000)])
@pytest.mark.parametrize('kind', ['file', 'array'])
def test_scaling_that_leaves_nothing_names_image_and_scale(tmp_path, size, kind):
    image = cv2.resize(pictures(1)[0], size)
    source = image if kind == 'array' else str(write(tmp_path / 'a.png', image))
    steps = [dict(type='mmdet.Resize', scale=(320, 320), keep_ratio=True)]
    with pytest.raises(UserError) as error:
        _reader(steps)(source, 'input 3', False)
    named = r'a\.png' if kind == 'file' else 'input 3'
    assert error.match(rf'{named} has {size[0]}x{size[1]} pixels.*scale=\(320, 320\)')
    steps[0]['scale'] = (1333, 800)
    shape = _reader(steps)(source, 'input 3', False).shape
    assert sorted(shape) == [2, 3, 1333]
