"""Which views learn together, and what a batch is cut into."""

from collections import Counter

import numpy as np
import pytest
import torch

from mmvisx.ops.co_training_bundles import is_labelled, mean_of_kept, pairing, split_bundles
from mmvisx.utils import UserError


def test_pairings_of_four_are_equally_likely():
    drawn = [pairing(4, 0, step) for step in range(3000)]
    kinds = Counter(frozenset(map(frozenset, pairs)) for pairs in drawn)
    error = np.sqrt(3000 * 1 / 3 * 2 / 3)
    assert len(kinds) == 3
    assert all(abs(count - 1000) < 4 * error for count in kinds.values())
    # Who is first of a pair, too
    first = Counter(pairs[0] for pairs in drawn)
    assert len(first) == 12
    assert all(abs(count - 250) < 4 * np.sqrt(250) for count in first.values())


def test_of_five_views_each_rests_a_fifth_of_the_steps():
    rests = Counter()
    for step in range(2000):
        pairs = pairing(5, 1, step)
        assert len(pairs) == 2
        rests.update({*range(5)} - {view for pair in pairs for view in pair})
    assert all(abs(rests[view] - 400) < 4 * np.sqrt(320) for view in range(5))


def test_images_and_label_maps_are_cut_alike():
    images = torch.arange(12.0).reshape(12, 1, 1, 1).expand(12, 1, 2, 2)
    labels = torch.tensor([3, 0, 255, 1, -1, -1] * 2)
    maps = labels.reshape(12, 1, 1).expand(12, 2, 2)
    whole = split_bundles(images, labels, 2)
    for (x_1, x_2, y), (u_1, u_2, v) in zip(whole, split_bundles(images, maps, 2), strict=True):
        assert torch.equal(x_1, u_1)
        assert torch.equal(x_2, u_2)
        assert torch.equal(v, y[:, :, None, None].expand(2, 4, 2, 2))
    assert whole[1][0][:, 0, 0, 0].tolist() == [6, 7, 10, 11]
    assert whole[1][2].tolist() == [[3, 0, -1, -1], [255, 1, -1, -1]]


def test_an_image_with_one_labelled_pixel_is_labelled():
    maps = torch.tensor([[[-1, -1]], [[-1, 4]], [[255, 255]]])
    assert is_labelled(maps).tolist() == [False, True, True]


def test_too_many_bundles():
    with pytest.raises(UserError, match='6 images is not made of 2 bundles'):
        split_bundles(torch.zeros(6, 1, 1, 1), torch.tensor([0, 1, -1, -1, -1, -1]), 2)


def test_images_that_are_not_kept_add_nothing():
    losses = torch.tensor([8.0, 1.0, 2.0, 5.0], requires_grad=True)
    kept = torch.tensor([1, 0])
    found = mean_of_kept(losses, kept)  # two labelled images, two unlabelled ones
    assert found == (8 + 1 + 2) / 4
    assert torch.autograd.grad(found, losses)[0].tolist() == [0.25, 0.25, 0.25, 0]
    pixels = losses.detach()[:, None, None] + torch.tensor([[-1.0, 1.0]])
    assert mean_of_kept(pixels, kept) == (8 + 1 + 2) / 4
    assert mean_of_kept(losses, None) == 4
