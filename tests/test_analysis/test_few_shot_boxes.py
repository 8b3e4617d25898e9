"""The range of new logits, fitted on large classes that are treated as new."""

import numpy as np
import pytest
import torch
from torch import nn

from mmvisx.analysis.few_shot_boxes import fit_boxes
from mmvisx.datasets.classification.few_shot_bank import write_bank
from mmvisx.models.layers import ParameterPredictor
from mmvisx.utils import UserError


def regions(each=40, channels=6, classes=4):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), each)
    centres = np.abs(rng.normal(size=(classes, channels)))
    noise = 0.3 * rng.normal(size=(len(labels), channels))
    return (centres[labels] + noise).astype(np.float32), labels


@pytest.mark.parametrize('few', ['mean', 'max'])
def test_no_other_numbers_have_less_cross_entropy(tmp_path, few):
    activations, labels = regions()
    bank = write_bank(tmp_path / 'bank', activations, labels, ['a', 'b', 'c', 'background'])
    torch.manual_seed(0)
    learnt, predictor = nn.Linear(6, 4), ParameterPredictor(6, 1)
    draws = 2
    fit = fit_boxes(bank, learnt, predictor, few, shots=3, draws=draws)

    means = np.stack([activations[labels == k].mean(axis=0) for k in range(4)])
    centre = torch.from_numpy((means[:3].mean(axis=0) + means[3]) / 2).double()
    torch.testing.assert_close(fit.centre.double(), centre, rtol=1e-5, atol=1e-6)

    def loss(scale, bias):
        """Return the cross-entropy of the softmax over all classes, region by region."""
        rng, total = np.random.default_rng(0), []
        order = np.sort(rng.permutation(len(labels)))
        given, kinds = torch.from_numpy(activations[order]).double(), labels[order]
        logits = learnt.double()(given).detach()
        learnt.float()
        for k in range(3):
            own = np.flatnonzero(kinds == k)
            for _ in range(draws):
                support = own[rng.permutation(len(own))[:3]]
                samples = given[support] - centre
                samples = samples.mean(0, keepdim=True) if few == 'mean' else samples
                u = samples / samples.norm(dim=1, keepdim=True)
                found = []
                for i in sorted(set(range(len(kinds))) - set(support)):
                    z = logits[i].clone()
                    z[k] = scale * (u @ (given[i] - centre)).max() + bias
                    found.append(z.logsumexp(0) - z[kinds[i]])
                total.append(torch.stack(found).mean())
        return float(torch.stack(total).mean())

    scale, bias = float(fit.scale), float(fit.bias)
    least = loss(scale, bias)
    for step in (-0.3, -0.05, 0.05, 0.3):
        assert loss(scale * (1 + step), bias) > least
        assert loss(scale, bias + step) > least


def test_classes_with_too_few_boxes(tmp_path):
    activations, labels = regions(each=3)
    bank = write_bank(tmp_path / 'bank', activations, labels, ['a', 'b', 'c', 'background'])
    with pytest.raises(UserError, match=r'no class of .* more than 3 boxes'):
        fit_boxes(bank, nn.Linear(6, 4), ParameterPredictor(6, 1))
