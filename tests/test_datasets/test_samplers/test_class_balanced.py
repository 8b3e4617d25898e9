"""Over- and under-sampling, and the weights, on data in which classes are rare."""

import functools
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset

from mmvisx.datasets.classification.class_counts import class_weights, read_labels
from mmvisx.datasets.samplers import ClassBalancedSampler
from mmvisx.datasets.samplers.class_balanced import balanced_indices
from mmvisx.engine.hooks import ClassWeightHook
from mmvisx.models.losses import LabelSmoothLoss
from mmvisx.registry import DATA_SAMPLERS
from mmvisx.utils import UserError

LABELS = [0] * 12 + [1] * 5 + [2] * 2


class Data(BaseDataset):
    """Samples with a label, and nothing to load."""

    def __init__(self, labels):
        self.labels = labels
        super().__init__()

    def load_data_list(self):
        """One entry a label."""
        return [dict(img_path=f'{i}.png', gt_label=label) for i, label in enumerate(self.labels)]


@functools.cache
def data(labels=tuple(LABELS)):
    """MMEngine collects garbage whenever a data set is built, which takes a while."""
    return Data(labels)


def drawn(sampler):
    """Classes and images of an epoch."""
    indices = list(sampler)
    assert len(indices) == len(sampler)
    return Counter(LABELS[i] for i in indices), Counter(indices)


def test_over_sampling_keeps_all_and_repeats_evenly():
    sampler = DATA_SAMPLERS.build(
        dict(type='mmvisx.ClassBalancedSampler', dataset=data(), mode='over', seed=0)
    )
    assert isinstance(sampler, ClassBalancedSampler)
    classes, images = drawn(sampler)
    assert classes == {0: 12, 1: 12, 2: 12}
    assert set(images) == set(range(len(LABELS)))
    assert [images[i] for i in (0, 17, 18)] == [1, 6, 6]
    assert sorted(images[i] for i in range(12, 17)) == [2, 2, 2, 3, 3]


def test_under_sampling_keeps_the_rare_class_and_changes_the_others():
    sampler = ClassBalancedSampler(data(), mode='under', seed=0)
    seen = set()
    for epoch in range(20):
        sampler.set_epoch(epoch)
        classes, images = drawn(sampler)
        assert classes == {0: 2, 1: 2, 2: 2}
        assert images[17] == images[18] == 1
        seen |= set(images)
    assert seen == set(range(len(LABELS)))


@pytest.mark.parametrize('mode', ['over', 'under'])
def test_repeatable_by_seed_and_epoch(mode):
    orders = []
    for seed, epoch in [(0, 0), (0, 0), (0, 1), (1, 0)]:
        sampler = ClassBalancedSampler(data(), mode, seed=seed)
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]


@pytest.mark.parametrize('round_up', [True, False])
def test_processes_share_an_epoch(monkeypatch, round_up):
    parts = []
    for rank in range(5):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda r=rank: (r, 5))
        sampler = ClassBalancedSampler(data(), seed=0, round_up=round_up)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler)
    monkeypatch.undo()
    together = [i for part in parts for i in part]
    assert len(together) == (40 if round_up else 36)
    counts = Counter(LABELS[i] for i in together)
    assert min(counts.values()) >= 12
    if round_up:
        assert {len(part) for part in parts} == {8}


def test_indices_against_counting():
    groups = [torch.tensor([0, 1, 2, 3, 4]), torch.tensor([9])]
    counts = Counter(balanced_indices(groups, 7).tolist())
    assert counts.pop(9) == 7
    assert sorted(counts.values()) == [1, 1, 1, 2, 2]
    assert len(set(balanced_indices(groups, 3).tolist())) == 4


def test_wrapped_data_and_data_without_labels():
    both = ConcatDataset([data((0, 0)), data((1,))])
    assert read_labels(both).tolist() == [0, 0, 1]
    with pytest.raises(UserError, match='list does not say which class'):
        read_labels([1, 2])
    with pytest.raises(UserError, match='several labels to an image'):
        read_labels(data(((0, 1), (1,))))
    with pytest.raises(UserError, match="mode='both'"):
        ClassBalancedSampler(data(), 'both')


def test_weights_by_hand():
    counts = np.array([12, 5, 2])
    weights = class_weights(counts)
    assert weights == pytest.approx(19 / (3 * counts))
    assert (weights * counts) == pytest.approx([19 / 3] * 3)  # every class counts the same
    assert class_weights(counts, 0) == pytest.approx([1, 1, 1])
    half = class_weights(counts, 0.5)
    assert half[2] / half[0] == pytest.approx(6**0.5)
    assert (half * counts).sum() / counts.sum() == pytest.approx(1)
    with pytest.raises(UserError, match='class 1 has no image'):
        class_weights(np.array([3, 0]))


def weighted(loss, classes=3, labels=tuple(LABELS)):
    """Run the hook on a model with this loss."""
    model, head = torch.nn.Module(), torch.nn.Module()
    model.head, head.loss_module, head.num_classes = head, loss, classes
    logger = SimpleNamespace(info=lambda text: None)
    loader = SimpleNamespace(dataset=data(labels))
    ClassWeightHook().before_train(
        SimpleNamespace(model=model, train_dataloader=loader, logger=logger)
    )


def test_hook_weights_the_loss():
    from mmpretrain.models.losses import CrossEntropyLoss

    scores, labels = torch.randn(3, 3), torch.tensor([0, 1, 2])
    weights = torch.tensor(class_weights(np.array([12, 5, 2])), dtype=torch.float32)
    plain = torch.nn.functional.cross_entropy(scores, labels, reduction='none')
    loss = CrossEntropyLoss()
    weighted(loss)
    assert torch.allclose(loss(scores, labels), (weights * plain).mean())
    smooth = LabelSmoothLoss(0.1)
    weighted(smooth)
    target = torch.full((3, 3), 0.05).fill_diagonal_(0.9)
    expected = -(weights * target * scores.log_softmax(1)).sum(1).mean()
    assert torch.allclose(smooth(scores, labels), expected)


def test_hook_refuses_what_it_cannot_weight():
    with pytest.raises(UserError, match=r'model\.head\.loss \(MSELoss\) takes no class weights'):
        weighted(torch.nn.MSELoss())
    with pytest.raises(UserError, match=r'labels go from 0 to 2.*num_classes=2'):
        weighted(LabelSmoothLoss(), classes=2)
    with pytest.raises(UserError, match='class 3 has no image'):
        weighted(LabelSmoothLoss(), classes=4)
