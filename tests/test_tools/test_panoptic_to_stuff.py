import json

import numpy as np
import pytest
from PIL import Image

from mmvisx.cli.datasets.panoptic_to_stuff import main


@pytest.fixture
def panoptic(tmp_path):
    """One image: a thing (id 1) left, stuff (id 200) right, nothing below."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:2, :3, 0], pixels[:2, 3:, 1] = 5, 1
    (tmp_path / 'maps').mkdir()
    Image.fromarray(pixels).save(tmp_path / 'maps' / 'p1.png')
    segments = [{'id': 5, 'category_id': 1}, {'id': 256, 'category_id': 200}]
    content = {
        'images': [{'id': 1, 'file_name': 'photo.jpg', 'height': 4, 'width': 6}],
        'annotations': [{'image_id': 1, 'file_name': 'p1.png', 'segments_info': segments}],
        'categories': [
            {'id': 200, 'name': 'rug-merged', 'isthing': 0},
            {'id': 1, 'name': 'person', 'isthing': 1},
        ],
    }
    (tmp_path / 'p.json').write_text(json.dumps(content))
    return [
        str(tmp_path / 'p.json'),
        '--panoptic',
        str(tmp_path / 'maps'),
        '--out',
        str(tmp_path / 'out'),
    ]


@pytest.mark.parametrize(
    ('extra', 'thing', 'stuff', 'classes'), [([], 0, 151, 183), (['--contiguous'], 0, 1, 2)]
)
def test_labels(panoptic, tmp_path, capsys, extra, thing, stuff, classes):
    assert main([*panoptic, *extra, '--labels', str(tmp_path / 'labels.json')]) == 0
    labels = np.asarray(Image.open(tmp_path / 'out' / 'photo.png'))
    assert (labels[:2, :3] == thing).all()
    assert (labels[:2, 3:] == stuff).all()
    assert (labels[2:] == 255).all()
    assert f'num_classes={classes}' in capsys.readouterr().out
    names = json.loads((tmp_path / 'labels.json').read_text())
    assert names == {'person': thing, 'rug-merged': stuff}


@pytest.mark.realdata
def test_real_maps_fit_their_images(realdata, tmp_path):
    root = realdata / 'panoptic_sample'
    arguments = [str(root / 'panoptic_examples.json'), '--out', str(tmp_path)]
    assert main([*arguments, '--panoptic', str(root / 'panoptic_examples')]) == 0
    for path in tmp_path.glob('*.png'):
        photo = Image.open(next((root / 'input_images').glob(f'{path.stem}.*')))
        assert Image.open(path).size == photo.size
