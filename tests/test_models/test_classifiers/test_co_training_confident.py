"""Images that co-trained views are unsure of add nothing."""

import pytest
import torch

from mmvisx.models.classifiers import ConfidentCoTraining, CoTrainingClassifier
from mmvisx.utils import UserError
from tests.helpers.co_training import batch_of, co_training

TERMS = ('loss_sup', 'loss_cot', 'loss_dif')


def confident(min_confidence):
    return co_training(kind=ConfidentCoTraining, min_confidence=min_confidence, real=False)


def loss_and_gradients(model, images, samples):
    found = model.loss(images, samples)
    total = sum(found[name] for name in TERMS)
    return found, torch.autograd.grad(total, list(model.parameters()))


def test_a_dropped_image_adds_nothing_and_the_others_count_as_before():
    images, samples = batch_of(b=3, m=4)
    plain = co_training(real=False)
    unsure = torch.stack([view(images[6:]).softmax(1).amax(1) for view in plain.views]).mean(0)
    threshold = float(unsure.sort().values[1:3].mean())  # two are below, two above
    kept = [0, 1, 2, 3, 4, 5, *(6 + k for k in range(4) if unsure[k] >= threshold)]
    assert len(kept) == 8
    found, gradients = loss_and_gradients(confident(threshold), images, samples)
    # By a batch without them, whose means are over fewer images: 2 instead of 4, 5 instead of 7
    less = plain.loss(images[kept], [samples[k] for k in kept])
    wanted = dict(
        loss_sup=less['loss_sup'],
        loss_cot=less['loss_cot'] * 2 / 4,
        loss_dif=less['loss_dif'] * 5 / 7,
    )
    for name, value in wanted.items():
        assert found[name].item() == pytest.approx(value.item(), abs=1e-12)
    slow = torch.autograd.grad(sum(wanted.values()), list(plain.parameters()))
    for one, other in zip(gradients, slow, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    # Other pictures of which they are unsure change no bit
    moved = images.clone()
    dropped = [k for k in range(6, 10) if k not in kept]
    moved[dropped] = images[dropped[::-1]]
    _, again = loss_and_gradients(confident(threshold), moved, samples)
    assert all(torch.equal(one, other) for one, other in zip(gradients, again, strict=True))


def test_at_0_every_image_takes_part_and_at_1_none():
    batch = batch_of()
    plain, all_kept = co_training(real=False).loss(*batch), confident(0).loss(*batch)
    for name in TERMS:
        assert all_kept[name].item() == pytest.approx(plain[name].item(), abs=1e-12)
    none = confident(1.0).loss(*batch)
    assert none['loss_cot'] == 0
    assert 0 < none['loss_dif'] < plain['loss_dif']  # of the labelled images
    assert isinstance(confident(1.0), CoTrainingClassifier)


@pytest.mark.parametrize('value', [-0.1, 1.5, float('nan')])
def test_thresholds_that_are_none(value):
    with pytest.raises(UserError, match=r'min_confidence=.* from 0 to 1'):
        confident(value)
