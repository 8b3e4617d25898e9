"""The parameter predictor against its equations."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from mmvisx.models.layers import ParameterPredictor
from mmvisx.utils import UserError


@pytest.mark.parametrize('depth', [0, 1])
def test_the_start_is_cosine_similarity_to_class_means(depth):
    torch.manual_seed(0)
    means, images = torch.rand(5, 7).double(), torch.rand(9, 7).double()
    predictor = ParameterPredictor(7, depth).double()
    logits = images @ predictor(means).T / images.norm(dim=1, keepdim=True)
    torch.testing.assert_close(
        logits, torch.tensor(cosine_similarity(images, means)), atol=1e-6, rtol=0
    )


def test_two_layers_start_as_the_identity_of_activations_after_relu():
    means = torch.rand(5, 7)
    torch.testing.assert_close(ParameterPredictor(7, 2)(means), ParameterPredictor(7, 0)(means))


def test_two_layers_against_numpy():
    torch.manual_seed(0)
    predictor = ParameterPredictor(4, 2).double()
    for p in predictor.parameters():
        torch.nn.init.normal_(p)
    (w1, b1, w2, b2) = (p.detach().numpy() for p in predictor.parameters())
    s = np.array([1.0, -2.0, 0.5, 3.0])
    hidden = np.maximum(w1 @ (s / np.sqrt((s**2).sum())) + b1, 0)
    out = w2 @ hidden + b2
    expected = out / np.sqrt((out**2).sum())
    np.testing.assert_allclose(predictor(torch.tensor(s)).detach().numpy(), expected, atol=1e-12)


def random_predictor(depth, seed=1):
    torch.manual_seed(seed)
    predictor = ParameterPredictor(4, depth).double()
    for p in predictor.parameters():
        torch.nn.init.normal_(p)
    return predictor


@pytest.mark.parametrize('depth', [1, 2])
@pytest.mark.parametrize('p_mean', [0.3, 0.9])
def test_expected_weights_are_the_mean_over_drawn_statistics(depth, p_mean):
    predictor = random_predictor(depth)
    samples = torch.rand(5, 4).double() * torch.tensor([1.0, 5, 1, 0.2])
    image = torch.rand(4).double()
    draws = 20_000
    rng = torch.Generator().manual_seed(0)
    mean = torch.rand(draws, generator=rng) < p_mean
    pick = torch.randint(5, (draws,), generator=rng)
    statistics = torch.where(mean[:, None], samples.mean(dim=0), samples[pick])
    logits = predictor(statistics) @ image
    error = logits.std() / draws**0.5
    exact = predictor.expected(samples.mean(dim=0), samples, p_mean) @ image
    assert abs(float(exact - logits.mean())) < 4 * float(error)


def linear(depth):
    """A predictor of samples of one length, for which bringing to unit length is linear."""
    samples = torch.eye(4).double()[:3]
    return random_predictor(depth), samples


@pytest.mark.parametrize(('depth', 'equal'), [(1, True), (2, False)])
def test_pushing_the_expectation_in_is_exact_for_a_linear_predictor(monkeypatch, depth, equal):
    """Without its bringing to unit length phi^1 is linear, phi^2 is not."""
    monkeypatch.setattr('mmvisx.models.layers.few_shot_predictor.unit_length', lambda x: x)
    predictor = random_predictor(depth)
    samples = torch.rand(5, 4).double()
    inside = predictor(samples.mean(dim=0))
    exact = predictor.expected(samples.mean(dim=0), samples, 0.3)
    assert torch.allclose(inside, exact, rtol=1e-12) == equal


@pytest.mark.parametrize('p_mean', [-0.1, 1.1, float('nan')])
def test_p_mean_is_a_probability(p_mean):
    samples = torch.rand(5, 4).double()
    with pytest.raises(UserError, match=f'p_mean={p_mean} is a probability'):
        random_predictor(1).expected(samples.mean(dim=0), samples, p_mean)


def test_pushing_the_expectation_in_differs_for_two_layers():
    predictor, samples = linear(2)
    inside = predictor(samples.mean(dim=0))
    exact = predictor.expected(samples.mean(dim=0), samples, 0.5)
    assert (inside - exact).abs().max() > 1e-2


@pytest.mark.parametrize('options', [dict(channels=0), dict(channels=4, depth=-1)])
def test_sizes_that_make_no_sense(options):
    with pytest.raises(UserError, match='must be at'):
        ParameterPredictor(**options)
