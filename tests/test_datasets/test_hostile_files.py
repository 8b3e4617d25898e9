"""Images and annotations made to exhaust the memory or to read other files."""

import os
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image

from mmvisx.datasets import VOCDataset
from mmvisx.datasets.image_file import image_fault
from mmvisx.datasets.transforms import LoadImageFromFile
from mmvisx.utils import UserError


def png(width, height):
    """A PNG of a few bytes that says to be of this size."""

    def chunk(kind, data):
        return (
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        )

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b'\0' * 100)
    return (
        b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', data) + chunk(b'IEND', b'')
    )


@pytest.mark.parametrize('decode', [False, True])
def test_images_of_too_many_pixels(decode):
    assert 'has too many pixels' in image_fault(png(20_000, 10_000), decode)


def test_images_of_many_pixels(tmp_path):
    Image.new('L', (2000, 1500)).save(tmp_path / 'x.png')
    assert image_fault((tmp_path / 'x.png').read_bytes()) is None
    assert image_fault(png(13_000, 13_000)) is None  # 169 million


def test_a_pixel_bomb_is_named_before_it_is_decoded(tmp_path):
    path = tmp_path / 'bomb.png'
    path.write_bytes(png(30_000, 30_000))
    with pytest.raises(UserError, match=r'bomb\.png has too many pixels .*MMVISX_MAX_PIXELS'):
        LoadImageFromFile()(dict(img_path=str(path)))


def test_the_limit_can_be_set(tmp_path):
    path = tmp_path / 'x.png'
    path.write_bytes(png(20, 10))
    code = (
        'import sys; from mmvisx.datasets.image_file import image_fault; '
        'print(image_fault(open(sys.argv[1], "rb").read()))'
    )
    said = [
        subprocess.run(
            [sys.executable, '-c', code, path], text=True, capture_output=True, check=True,
            env={**os.environ, 'MMVISX_MAX_PIXELS': limit},
        ).stdout
        for limit in ('100', '1e3')
    ]  # fmt: skip
    assert 'too many pixels' in said[0]
    assert said[1] == 'None\n'


BOMB = '<!DOCTYPE a [<!ENTITY b0 "ha">{}]>'.format(
    ''.join(f'<!ENTITY b{k} "{f"&b{k - 1};" * 10}">' for k in range(1, 12))
)
EXTERNAL = '<!DOCTYPE a [<!ENTITY b11 SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ('head', 'message'), [(BOMB, 'amplification factor'), (EXTERNAL, 'undefined entity')]
)
def test_entities_of_xml_are_not_followed(head, message, tmp_path):
    for folder in ('Annotations', 'JPEGImages'):
        (tmp_path / 'VOC2012' / folder).mkdir(parents=True)
    (tmp_path / 'train.txt').write_text('a\n')
    (tmp_path / 'VOC2012' / 'Annotations' / 'a.xml').write_text(
        f'{head}<annotation><filename>&b11;</filename></annotation>'
    )
    with pytest.raises(UserError, match=rf'a\.xml is no valid XML: .*{message}'):
        VOCDataset(
            data_root=f'{tmp_path}/', ann_file='train.txt', pipeline=[],
            data_prefix=dict(sub_data_root='VOC2012/'), metainfo=dict(classes=('cat',)),
        )  # fmt: skip
