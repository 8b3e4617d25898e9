"""Random sizes of training images."""

import pytest
import torch
from mmengine.logging import MessageHub

from mmvisx.models.batch_augments import RandomTrainingShapes
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from tests.helpers.detection_families import BOXES, SIZE, batch


@pytest.fixture
def hub(request):
    """A run's message hub."""
    hub = MessageHub.get_instance(request.node.name)
    hub.update_info('seed', 3)
    return hub


def sizes(hub, iterations):
    """Return the sizes of the batches of the given iterations, out of ten sizes."""
    layer = RandomTrainingShapes((10, 19), size_divisor=1)
    shapes = []
    for iteration in iterations:
        hub.update_info('iter', iteration)
        shapes.append(tuple(layer(torch.zeros(1, 1, 9, 9), [])[0].shape[-2:]))
    return shapes


def test_ten_sizes_each_for_ten_iterations(hub):
    seen = sizes(hub, range(0, 4000, 5))
    assert seen[::2] == seen[1::2]
    counts = {size: seen.count(size) for size in set(seen)}
    assert sorted(counts) == [(s, s) for s in range(10, 20)]
    # 400 draws, 40 expected of each.
    assert min(counts.values()) >= 40
    assert max(counts.values()) <= 120


def test_resumed_and_other_seeds(hub):
    whole = sizes(hub, range(100))
    assert sizes(hub, range(37, 100)) == whole[37:]
    hub.update_info('seed', 4)
    assert sizes(hub, range(100)) != whole


def test_boxes_follow(hub):
    layer = MODELS.build(
        dict(type='mmvisx.RandomTrainingShapes', random_size_range=(128, 128), interval=1)
    )
    hub.update_info('iter', 5)
    images, samples = batch([[1.0] * len(boxes) for boxes in BOXES])
    resized, samples = layer(images, samples)
    assert resized.shape[-2:] == (128, 128)
    for sample, boxes in zip(samples, BOXES, strict=True):
        torch.testing.assert_close(sample.gt_instances.bboxes, boxes * 128 / SIZE)
        assert sample.img_shape == sample.batch_input_shape == (128, 128)
        assert torch.equal(sample.gt_instances.weights, torch.ones(len(boxes)))


def test_aspect_ratio_and_bounds_inside_the_range(hub):
    hub.update_info('iter', 0)
    layer = RandomTrainingShapes((70, 127))
    resized, _ = layer(torch.zeros(1, 3, 48, 96), [])
    assert resized.shape[-2:] == (96, 192)


def test_no_training_no_resizing(request):
    MessageHub.get_instance(request.node.name)
    images, samples = batch()
    assert RandomTrainingShapes((32, 64))(images, samples) == (images, samples)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(random_size_range=(608, 320)), r'random_size_range=\(608, 320\)'),
        (dict(random_size_range=(33, 63)), 'no positive multiple of size_divisor=32'),
        (dict(random_size_range=(32, 64), interval=0), 'interval=0'),
    ],
)
def test_errors(options, message):
    with pytest.raises(UserError, match=message):
        RandomTrainingShapes(**options)
