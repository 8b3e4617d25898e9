"""The harder kind of rendered images: sizes, occlusion, classes by what is around."""

import hashlib
import json

import numpy as np
import pytest

from mmvisx.datasets.shapes.render import (
    CONTEXT_CLASSES,
    SHAPES_CLASSES,
    SHAPES_STUFF,
    Style,
    ground_label,
    render_scene,
)
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.utils import UserError

STYLE = Style(sizes=(0.06, 0.9), visibility=0.25, context=True)
SKY, GRASS, WATER, BRICK = map(SHAPES_STUFF.index, ('sky', 'grass', 'water', 'brick'))


@pytest.fixture(scope='module')
def scenes():
    return [render_scene(0, number, 128, (3, 8), style=STYLE) for number in range(1, 61)]


def test_without_options_the_images_are_those_of_before():
    # Of the renderer before it had these options, with the same seed and numbers.
    digest = hashlib.sha256()
    for number in (1, 5, 7):
        scene = render_scene(3, number, 96, (2, 6), number == 5)
        digest.update(scene.image.tobytes())
        digest.update(scene.labels.tobytes())
        for instance in scene.instances:
            digest.update(instance.mask.tobytes())
            digest.update(str((instance.label, instance.full_area, instance.crowd)).encode())
    expected = 'dd9c5fb1ab7fcd51090926e1ad3c8919c38701b0bde4aa9cd03a2b1655d4cbb9'
    assert digest.hexdigest() == expected
    assert 'sizes' not in ShapesConfig().arguments


def test_sizes_and_occlusion_reach_their_limits(scenes):
    objects = [o for scene in scenes for o in scene.instances]
    # The outlines reach 0.8 to 1.1 radii, stretched by up to 1.12, over 128 pixels.
    extents = [max(o.box[2:]) / 128 for o in objects if not o.truncated and o.area == o.full_area]
    assert min(extents) < 0.09
    assert max(extents) > 0.6
    shares = [o.area / o.full_area for o in objects]
    assert 0.25 <= min(shares) < 0.4
    assert np.mean(np.array(shares) < 0.95) > 0.2


def test_every_class_is_one_outline_on_one_ground(scenes):
    labels = [o.label for scene in scenes for o in scene.instances]
    assert set(labels) == set(range(len(CONTEXT_CLASSES)))
    assert not any(o.crowd for scene in scenes for o in scene.instances)
    agree = []
    for scene in scenes:
        stuff = scene.labels.astype(int) - len(SHAPES_CLASSES)  # negative on objects
        for o in scene.instances:
            x, y, w, h = o.box
            near = stuff[max(y - 8, 0) : y + h + 8, max(x - 8, 0) : x + w + 8]
            near = near[near >= 0]
            floats = np.isin(near, [SKY, WATER]).mean() > 0.5 if near.size else None
            if floats is not None:
                agree.append(floats == CONTEXT_CLASSES[o.label].startswith('floating'))
    assert np.mean(agree) > 0.95  # other objects may stand in between


@pytest.mark.parametrize(
    ('stuff', 'expected'),
    [(SKY, 'floating'), (WATER, 'floating'), (GRASS, 'standing'), (BRICK, 'standing')],
)
def test_ground(stuff, expected):
    full = np.zeros((64, 64), bool)
    full[20:40, 20:40] = True
    ground = np.full((64, 64), stuff)
    ground[full] = GRASS + SKY - stuff if stuff in (GRASS, SKY) else stuff  # under it: no matter
    assert CONTEXT_CLASSES[ground_label(1, full, ground)] == f'{expected} triangle'


def test_a_mixed_ground_is_none():
    full = np.zeros((64, 64), bool)
    full[20:40, 20:40] = True
    ground = np.full((64, 64), SKY)
    ground[:, 30:] = BRICK
    assert ground_label(0, full, ground) is None
    ground[:, 30:] = WATER  # two kinds, but one ground
    assert ground_label(0, full, ground) == 0


def test_written_with_visibility_and_names(tmp_path):
    config = ShapesConfig(train=3, val=1, size=64, sizes=(0.1, 0.6), visibility=0.25, context=True)
    make_shapes(tmp_path / 'out', config)
    assert make_shapes(tmp_path / 'out', config) is False  # meta.json holds all options
    content = json.loads((tmp_path / 'out/coco/annotations/instances_train.json').read_text())
    assert [c['name'] for c in content['categories']] == list(CONTEXT_CLASSES)
    assert content['annotations']
    assert all(0.25 <= a['visibility'] <= 1 for a in content['annotations'])
    xml = (tmp_path / 'out/VOCdevkit/VOC2012/Annotations/000001.xml').read_text()
    assert any(name in xml for name in CONTEXT_CLASSES)
    make_shapes(tmp_path / 'plain', ShapesConfig(train=1, val=0, size=64))
    content = json.loads((tmp_path / 'plain/coco/annotations/instances_train.json').read_text())
    assert not any('visibility' in a for a in content['annotations'])


@pytest.mark.parametrize(
    ('options', 'name'),
    [(dict(sizes=(0.5, 0.2)), 'sizes'), (dict(sizes=(0.01, 0.5)), 'sizes'),
     (dict(visibility=0.0), 'visibility')],
)  # fmt: skip
def test_bad_options(options, name):
    with pytest.raises(UserError, match=f'--{name}'):
        ShapesConfig(**options)
