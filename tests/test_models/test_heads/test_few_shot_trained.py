"""Heads of the baselines that are trained: against loops, and started from a classifier."""

import numpy as np
import pytest
import torch
from mmpretrain.models.heads import LinearClsHead
from mmpretrain.structures import DataSample

from mmvisx.models.heads import ExtendedClsHead, TripletHead
from mmvisx.models.heads.few_shot_triplet import draw_triplets
from mmvisx.utils import UserError


def labelled(labels):
    return [DataSample().set_gt_label(int(k)) for k in labels]


def test_triplets_are_what_they_are_called():
    labels = torch.tensor([0, 1, 0, 2, 1, 1, 3])
    seen = set()
    for seed in range(50):
        anchors, positives, negatives = draw_triplets(labels, torch.Generator().manual_seed(seed))
        assert anchors.tolist() == [0, 1, 2, 4, 5]  # 3 and 6 have no mate
        assert (labels[anchors] == labels[positives]).all()
        assert (anchors != positives).all()
        assert (labels[anchors] != labels[negatives]).all()
        seen |= set(zip(anchors.tolist(), positives.tolist(), negatives.tolist(), strict=True))
    # Every positive and every negative of an image is drawn some time.
    assert {p for a, p, _ in seen if a == 1} == {4, 5}
    assert {n for a, _, n in seen if a == 1} == {0, 2, 3, 6}


def test_triplet_loss_against_a_loop(monkeypatch):
    torch.manual_seed(0)
    x = torch.randn(6, 4, requires_grad=True)
    labels = [0, 0, 1, 1, 2, 2]
    drawn = (torch.tensor([0, 2, 5]), torch.tensor([1, 3, 4]), torch.tensor([4, 1, 0]))
    monkeypatch.setattr('mmvisx.models.heads.few_shot_triplet.draw_triplets', lambda _: drawn)
    losses = TripletHead(margin=0.2).loss((x,), labelled(labels))
    terms = []
    rows = x.detach().double().numpy()
    for a, p, n in zip(*(part.tolist() for part in drawn), strict=True):
        near, far = (
            1 - rows[a] @ rows[b] / np.linalg.norm(rows[a]) / np.linalg.norm(rows[b])
            for b in (p, n)
        )
        terms.append(max(0, near - far + 0.2))
    assert losses['loss'].item() == pytest.approx(np.mean(terms), abs=1e-6)
    assert losses['active'].item() == pytest.approx(np.mean([t > 0 for t in terms]))
    assert 0 < np.mean([t > 0 for t in terms]) < 1
    losses['loss'].backward()
    assert x.grad.any()


def test_a_batch_without_a_pair():
    x = torch.randn(3, 4, requires_grad=True)
    losses = TripletHead().loss((x,), labelled([0, 1, 2]))
    assert losses['loss'].item() == 0
    losses['loss'].backward()
    assert not x.grad.any()
    assert TripletHead().loss((x,), labelled([1, 1, 1]))['loss'].item() == 0


def test_triplets_have_no_classes():
    with pytest.raises(UserError, match='build-bank'):
        TripletHead().predict((torch.randn(2, 4),))


def test_the_classifier_is_taken_over():
    torch.manual_seed(0)
    known = LinearClsHead(3, 6)
    known.init_weights()
    head = ExtendedClsHead(num_classes=5, in_channels=6, known=3)
    missing = head.load_state_dict(known.state_dict(), strict=False)
    assert sorted(missing.missing_keys) == ['new.bias', 'new.weight']
    assert not missing.unexpected_keys
    x = torch.randn(4, 6)
    torch.testing.assert_close(head((x,))[:, :3], known((x,)))
    torch.testing.assert_close(head((x,))[:, 3:], x @ head.new.weight.T + head.new.bias)
    loss = head.loss((x,), labelled([0, 4, 3, 2]))['loss']
    torch.testing.assert_close(
        loss, torch.nn.functional.cross_entropy(head((x,)), torch.tensor([0, 4, 3, 2]))
    )
    for wrong in (0, 5, 7):
        with pytest.raises(UserError, match=f'known={wrong}'):
            ExtendedClsHead(num_classes=5, in_channels=6, known=wrong)
