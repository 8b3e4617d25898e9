"""The classifier with logits of their own for rejuvenated neurons."""

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample

from mmvisx.models.heads import TwoHeadLinearClsHead
from mmvisx.surgery.neural_rejuvenation import build_channel_graph, rejuvenate
from tests.helpers.neural_rejuvenation_nets import IMAGES, Chain, convolution_weights, wither

LABELS = [1, 0, 2, 2]


def samples():
    return [DataSample().set_gt_label(label) for label in LABELS]


def head(**kwargs):
    model = TwoHeadLinearClsHead(num_classes=3, in_channels=6, **kwargs)
    torch.nn.init.normal_(model.fc.weight)
    torch.nn.init.normal_(model.fc.bias)
    return model


def test_before_a_rejuvenation_it_is_a_linear_head():
    model, feats = head(), (torch.randn(4, 6),)
    scores = feats[0] @ model.fc.weight.T + model.fc.bias
    torch.testing.assert_close(model(feats), scores)
    losses = model.loss(feats, samples())
    assert losses.keys() == {'loss'}
    torch.testing.assert_close(losses['loss'], F.cross_entropy(scores, torch.tensor(LABELS)))


def test_both_kinds_have_a_loss_and_share_the_bias():
    model, feats = head(cal_acc=True), (torch.randn(4, 6),)
    fresh, kept = [1, 4, 5], [0, 2, 3]
    model.split_features(torch.tensor(fresh))
    losses = model.loss(feats, samples())
    for name, part in (('survived', kept), ('rejuvenated', fresh)):
        scores = feats[0][:, part] @ model.fc.weight[:, part].T + model.fc.bias
        expected = F.cross_entropy(scores, torch.tensor(LABELS))
        torch.testing.assert_close(losses[f'loss_{name}'], expected)
        assert f'accuracy_top-1_{name}' in losses
    # The prediction is the sum, with the bias once.
    torch.testing.assert_close(model(feats), feats[0] @ model.fc.weight.T + model.fc.bias)
    model.split_features(torch.tensor([], dtype=torch.long))
    assert model.loss(feats, samples()).keys() == {'loss', 'accuracy_top-1'}


@pytest.mark.parametrize('two_heads', [False, True])
def test_rejuvenation_tells_the_head_which_features_are_new(two_heads):
    class Classifier(Chain):
        def __init__(self):
            super().__init__()
            del self.fc
            self.head = TwoHeadLinearClsHead(num_classes=5, in_channels=16)

        def forward(self, x):
            return self.head((self.body(x).mean((2, 3)),))

    model = wither(Classifier())
    graph = build_channel_graph(Classifier(), torch.randn(IMAGES))
    graph.two_heads = two_heads
    result = rejuvenate(model, graph, convolution_weights(model), variant='NR-CR')
    survived, added = result.graph.groups[-1].counts
    if two_heads:
        assert model.head.rejuvenated.tolist() == list(range(survived, survived + added))
    else:
        assert model.head.rejuvenated is None
