import numpy as np
import pytest

from mmvisx.datasets.shapes.outlines import SHAPES_CLASSES, coverage, outline
from mmvisx.datasets.shapes.render import MIN_VISIBLE, SHAPES_STUFF, render_scene
from mmvisx.datasets.shapes.texture import STUFF_TEXTURES


@pytest.fixture(scope='module')
def scenes():
    return [render_scene(0, number, crowd=number == 5) for number in range(1, 31)]


def test_same_seed_same_scene_another_seed_another():
    first, again, other = (render_scene(seed, 3) for seed in (0, 0, 1))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.image, other.image)


def test_masks_are_disjoint_and_agree_with_the_labels(scenes):
    for scene in scenes:
        things = np.zeros(scene.labels.shape, int)
        for instance in scene.instances:
            things += instance.mask
            assert (scene.labels[instance.mask] == instance.label).all()
        assert things.max() == 1
        stuff = scene.labels[things == 0]
        assert stuff.min() >= len(SHAPES_CLASSES)
        assert stuff.max() < len(SHAPES_CLASSES) + len(SHAPES_STUFF)


def test_boxes_are_tight(scenes):
    for scene in scenes:
        for instance in scene.instances:
            x, y, w, h = instance.box
            inside = instance.mask[y : y + h, x : x + w]
            assert inside.sum() == instance.area
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()


def test_enough_of_every_object_is_visible(scenes):
    shares = [o.area / o.full_area for s in scenes for o in s.instances]
    assert min(shares) >= MIN_VISIBLE
    assert min(shares) < 0.9  # there is occlusion
    assert max(shares) == 1


def test_objects_stand_out_from_what_surrounds_them(scenes):
    distances = []
    for scene in scenes:
        background = scene.labels >= len(SHAPES_CLASSES)
        mean = scene.image[background].mean(axis=0)
        for instance in scene.instances:
            if not instance.crowd:
                distances.append(np.linalg.norm(scene.image[instance.mask].mean(axis=0) - mean))
    assert np.median(distances) > 60


def test_every_class_and_every_stuff_occurs(scenes):
    seen = {int(v) for scene in scenes for v in np.unique(scene.labels)}
    assert seen == set(range(len(SHAPES_CLASSES) + len(SHAPES_STUFF)))


def test_crowd_is_one_difficult_instance_of_several_pieces(scenes):
    crowds = [o for o in scenes[4].instances if o.crowd]
    assert len(crowds) == 1
    assert crowds[0].difficult
    assert not any(o.crowd for o in scenes[0].instances)


@pytest.mark.parametrize('label', range(len(SHAPES_CLASSES)))
def test_outlines_have_similar_extent(label):
    points = np.concatenate(outline(label))
    assert 0.9 < np.linalg.norm(points, axis=1).max() < 1.2


@pytest.mark.parametrize('size', [64, 200])
def test_size_and_number_of_objects(size):
    scenes = [render_scene(0, number, size, (1, 2)) for number in range(1, 13)]
    assert {scene.image.shape for scene in scenes} == {(size, size, 3)}
    assert {len(scene.instances) for scene in scenes} == {1, 2}  # both ends of the range


@pytest.mark.parametrize('shape', [(48, 112), (90, 50)])
def test_images_that_are_not_square(shape):
    scenes = [render_scene(0, number, shape, (2, 5), number == 2) for number in range(1, 9)]
    assert {scene.image.shape for scene in scenes} == {(*shape, 3)}
    assert {scene.labels.shape for scene in scenes} == {shape}
    objects = [o for scene in scenes for o in scene.instances if not o.crowd]
    assert max(o.box[0] for o in objects) > 0.6 * shape[1]  # they reach all over the image
    assert max(o.box[1] for o in objects) > 0.6 * shape[0]
    assert max(max(o.box[2:]) for o in objects) <= 0.5 * min(shape) * 1.25 + 1


def test_a_disc_in_an_image_that_is_not_square():
    covered = coverage(
        SHAPES_CLASSES.index('disc'), np.array([60.0, 20.0]), 9.0, 0, 1.0, (40, 90), 5
    )
    assert covered.shape == (50, 100)
    assert covered.sum() == pytest.approx(np.pi * 81, rel=0.02)
    rows, columns = np.indices(covered.shape)
    assert (covered * columns).sum() / covered.sum() == pytest.approx(64.5, abs=0.1)
    assert (covered * rows).sum() / covered.sum() == pytest.approx(24.5, abs=0.1)


@pytest.mark.parametrize('name', STUFF_TEXTURES)
def test_stuff_has_the_same_grain_in_both_directions_of_any_shape(name):
    steps = {}
    for shape in ((64, 256), (64, 64)):
        images = [STUFF_TEXTURES[name](np.random.default_rng(seed), shape) for seed in range(8)]
        assert {image.shape for image in images} == {(*shape, 3)}
        grey = np.stack(images).mean(axis=3)
        steps[shape] = [np.abs(np.diff(grey, axis=axis)).mean() for axis in (1, 2)]
    assert steps[64, 256] == pytest.approx(steps[64, 64], rel=0.15)
