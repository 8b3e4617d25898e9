"""The head of backbones that classify."""

import pytest
import torch
from mmpretrain.structures import DataSample
from torch.nn.functional import cross_entropy

from mmvisx.models.heads import ScoresHead
from mmvisx.utils import UserError


def test_loss_is_that_of_the_scores():
    head = ScoresHead(num_classes=4)
    scores = torch.randn(3, 4)
    samples = [DataSample().set_gt_label(label) for label in (0, 3, 1)]
    loss = head.loss((None, scores), samples)['loss']
    torch.testing.assert_close(loss, cross_entropy(scores, torch.tensor([0, 3, 1])))
    labels = [int(s.pred_label) for s in head.predict((None, scores))]
    assert labels == scores.argmax(1).tolist()


def test_another_number_of_scores():
    message = r'model\.head\.num_classes=4, but the backbone gives scores of shape \(3, 5\)'
    with pytest.raises(UserError, match=message):
        ScoresHead(num_classes=4)((None, torch.randn(3, 5)))
