"""Crops of single shapes: the class of the folder, the object inside, the same bytes."""

import cv2
import numpy as np
import pytest

from mmvisx.datasets.shapes.crops import CropsConfig, crop_object, write_crops
from mmvisx.datasets.shapes.render import SHAPES_CLASSES, Instance, Scene, render_scene
from mmvisx.utils import UserError

CONFIG = CropsConfig(train=20, val=4, size=32, seed=3, scene_size=64)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob('*.png')}


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    out = tmp_path_factory.mktemp('crops') / 'out'
    write_crops(out, CONFIG)
    return out


def test_folders_are_the_classes_of_the_rendered_objects(crops):
    found = files(crops)
    assert len(found) == 24
    for name in found:
        split, folder, file = name.split('/')
        number = int(file.removesuffix('.png'))
        assert (split == 'train') == (number < 20)
        (instance,) = render_scene(3, number, 64, (1, 1)).instances
        assert folder == SHAPES_CLASSES[instance.label]
        assert cv2.imread(str(crops / name)).shape == (32, 32, 3)
    assert len({*found.values()}) == 24


def test_same_arguments_same_bytes_and_another_seed_others(crops, tmp_path, tool):
    arguments = ['--train', 20, '--val', 4, '--size', 32, '--scene-size', 64]
    script = 'tools/datasets/make_shapes_crops.py'
    tool(script, '--out', tmp_path / 'same', '--seed', 3, *arguments)
    tool(script, '--out', tmp_path / 'other', '--seed', 4, *arguments)
    assert files(tmp_path / 'same') == files(crops)
    assert not {*files(tmp_path / 'other').values()} & {*files(crops).values()}


def scene(x, y, width, height):
    """A white box on black, 60x60."""
    mask = np.zeros((60, 60), bool)
    mask[y : y + height, x : x + width] = True
    image = np.where(mask[..., None], np.uint8(255), np.uint8(0)).repeat(3, axis=2)
    return Scene(image, mask.astype(np.uint8), [Instance(0, mask, int(mask.sum()))])


@pytest.mark.parametrize(
    ('box', 'inside'),
    [
        ((20, 30, 20, 10), (5, 10, 20, 10)),  # a crop of 30 pixels around the middle
        ((0, 50, 20, 10), (0, 20, 20, 10)),  # moved into the image, right and up
        ((40, 0, 20, 20), (10, 0, 20, 20)),
        ((5, 5, 50, 50), (5, 5, 50, 50)),  # no larger than the image
    ],
)
def test_where_the_object_lies_in_its_crop(box, inside):
    side = min(60, 3 * max(box[2:]) // 2)
    crop = crop_object(scene(*box), side)
    assert crop.shape == (side, side, 3)
    expected = np.zeros((side, side), np.uint8)
    x, y, width, height = inside
    expected[y : y + height, x : x + width] = 255
    assert np.array_equal(crop, expected[..., None].repeat(3, axis=2))


def test_what_exists_is_left_alone(crops):
    with pytest.raises(UserError, match='exists'):
        write_crops(crops, CONFIG)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(train=0), '--train 0'),
        (dict(val=-1), '--val -1'),
        (dict(seed=-1), '--seed -1'),
        (dict(size=4), '--size 4'),
        (dict(scene_size=40), '--scene-size 40'),
    ],
)
def test_bad_numbers(arguments, message):
    with pytest.raises(UserError, match=message):
        CropsConfig(**arguments)
