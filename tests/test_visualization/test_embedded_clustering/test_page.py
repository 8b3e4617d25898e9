"""A page of thumbnails: one file, whatever the pictures are called."""

import base64
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from mmvisx.visualization.embedded_clustering.page import Picture, Sheet, jpeg, page


class Reader(HTMLParser):
    """What a browser sees."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def of(self, tag, key):
        return [attrs[key] for name, attrs in self.tags if name == tag and key in attrs]


def read(content):
    reader = Reader()
    reader.feed(content.decode())
    reader.close()
    return reader


def picture(name, value, link='../a%20b.png'):
    return Picture(name, link, jpeg(np.full((40, 300, 3), value, np.uint8)), f'of {name}')


def test_everything_is_inside_in_order(tmp_path):
    cv2.imwrite(str(tmp_path / 'chart.png'), np.zeros((4, 4, 3), np.uint8))
    odd = '<b>"\'&.png'
    sheets = [
        Sheet('Cluster 0', 'two', [picture('a', 10), picture(odd, 200)]),
        Sheet('Least <certain>', 'one', [picture('b', 90)]),
    ]
    found = read(page('T & T', ['said <1>'], sheets, ['careful'], tmp_path / 'chart.png'))
    sources = found.of('img', 'src')
    assert all(source.startswith('data:image/') for source in sources)
    means = []
    for source in sources[1:]:  # the chart comes first
        content = np.frombuffer(base64.b64decode(source.split(',')[1]), np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR)
        assert image.shape == (17, 128, 3)
        means.append(image.mean())
    assert means == pytest.approx([10, 200, 90], abs=2)
    assert found.of('img', 'title') == ['a', odd, 'b']
    assert found.of('a', 'href') == ['#sheet-0', '#sheet-1', *['../a%20b.png'] * 3]
    assert not {tag for tag, _ in found.tags} & {'script', 'link', 'b', '1', 'certain'}
    text = ' '.join(found.text)
    for words in ('T & T', 'said <1>', 'careful', f'of {odd}', 'Least <certain>'):
        assert words in text
    places = [text.rindex(title) for title in ('Cluster 0', 'of a', 'Least <certain>', 'of b')]
    assert places == sorted(places)


def test_names_that_are_no_text():
    broken = b'caf\xe9.png'.decode('utf-8', 'surrogateescape')
    assert 'caf?.png' in ''.join(read(page('x', [broken], [])).text)


def test_small_pictures_stay_small():
    content = np.frombuffer(jpeg(np.zeros((5, 9, 3), np.uint8)), np.uint8)
    assert cv2.imdecode(content, cv2.IMREAD_COLOR).shape == (5, 9, 3)
