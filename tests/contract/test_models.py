"""What every registered model promises: it runs, it learns, it saves and it has its size."""

import copy
import pickle

import pytest
import torch
from torch import Tensor

import mmvisx.models  # noqa: F401 - registers everything
from mmvisx.registry import MODELS
from tests.contract.cases import cases

CASES = cases('MODELS')


def build(name):
    """Build the model of a case with every parameter alive."""
    model = MODELS.get(name)(**CASES[name].config)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.05)
    model.eval()
    return model


def make_inputs(shapes):
    """Draw the inputs of a case."""
    if isinstance(shapes, list):
        return [make_inputs(shape) for shape in shapes]
    return torch.randn(shapes)


def outputs(model, inputs):
    """Run and return the tensors of the output."""
    result = model(*inputs)
    if isinstance(result, tuple) and isinstance(result[0], tuple):
        result = result[0]
    return [result] if isinstance(result, Tensor) else [r for r in result if isinstance(r, Tensor)]


@pytest.mark.parametrize('name', CASES)
def test_forward(name):
    case = CASES[name]
    outs = outputs(build(name), make_inputs(case.inputs))
    assert [tuple(out.shape) for out in outs] == case.outputs
    assert all(out.isfinite().all() for out in outs)


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize('name', CASES)
def test_gradient_reaches_every_parameter(name, training):
    model = build(name)
    model.train(training)
    outs = outputs(model, make_inputs(CASES[name].inputs))
    frozen, unused = CASES[name].frozen, CASES[name].unused
    if any(out.requires_grad for out in outs):
        sum((out * torch.randn_like(out)).sum() for out in outs).backward()
    for key, parameter in model.named_parameters():
        if frozen and key.startswith(frozen):
            assert not parameter.requires_grad, key
            continue
        assert parameter.requires_grad, key
        if unused and key.startswith(unused):
            assert parameter.grad is None, key
            continue
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # Of a bias in front of batch norm only rounding is left in training.
        assert training or parameter.grad.any(), key


@pytest.mark.parametrize('name', CASES)
def test_state_dict_round_trip(name, tmp_path):
    model, other = build(name), build(name)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    other.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True), strict=True)
    inputs = make_inputs(CASES[name].inputs)
    with torch.no_grad():
        for a, b in zip(outputs(model, inputs), outputs(other, inputs), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize('name', CASES)
def test_exact_parameter_count(name):
    assert sum(p.numel() for p in build(name).parameters()) == CASES[name].parameters


@pytest.mark.parametrize('name', CASES)
def test_evaluation_changes_nothing(name):
    model = build(name)
    inputs = make_inputs(CASES[name].inputs)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        first, second = outputs(model, inputs), outputs(model, inputs)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize('name', CASES)
def test_copies_are_the_same_network(name):
    model = build(name)
    inputs = make_inputs(CASES[name].inputs)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    with torch.no_grad():
        wanted = outputs(model, inputs)
        for parameter in model.parameters():  # of which copies share none
            parameter.zero_()
        for other in copies:
            for a, b in zip(wanted, outputs(other, inputs), strict=True):
                assert torch.equal(a, b)
