"""The memory-efficient update against plain autograd, wherever the two could come apart."""

import copy
import gc
import weakref

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint

from mmvisx.models.layers import (
    BottleneckUpdate,
    GraduallyUpdated,
    gradual_update,
    gradual_update_in_place,
)
from mmvisx.utils import UserError

CONV = dict(type='Conv2d', kernel_size=3, padding=1)


def pair(unit=None, channels=6, segments=3, dtype=torch.float64, **arguments):
    """Return the layer with plain autograd and the same layer without."""
    plain = GraduallyUpdated(channels, segments, unit, memory_efficient=False, **arguments)
    plain = plain.to(dtype).train()
    ours = copy.deepcopy(plain)
    ours.memory_efficient = True
    return plain, ours


def data(channels=6, batch=2, dtype=torch.float64):
    return torch.randn(batch, channels, 5, 4, dtype=dtype)


def run(layer, x, need_x=True, call=None):
    """Return output, gradient of the input, gradients of parameters, and buffers."""
    x = x.clone().requires_grad_(need_x)
    # With a gradient the layer's input is an operation's result, as in a network.
    out = (call or layer)(x.clone(memory_format=torch.preserve_format))
    probe = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    if out.requires_grad:
        (out * probe).sum().backward()
    return (
        out.detach(),
        # Of an input that nothing reads, plain autograd has no gradient instead of zeros.
        torch.zeros_like(x) if need_x and x.grad is None else x.grad,
        {name: p.grad for name, p in layer.named_parameters()},
        {name: b.clone() for name, b in layer.named_buffers()},
    )


def assert_same(plain, ours, tolerance=1e-10):
    torch.testing.assert_close(ours, plain, rtol=tolerance, atol=tolerance)


def randomised(entry, width):
    """A unit that draws random numbers, twice."""
    return nn.Sequential(nn.Dropout(0.5), BottleneckUpdate(entry, width), nn.Dropout2d(0.3))


def pre_activated(entry, width):
    return nn.Sequential(nn.BatchNorm2d(entry), nn.ReLU(inplace=True), nn.Conv2d(entry, width, 1))


def cumulative(entry, width):
    return nn.Sequential(nn.Conv2d(entry, width, 1), nn.BatchNorm2d(width, momentum=None))


def spectral(entry, width):
    """Its buffers change in every call, and its output depends on them."""
    return spectral_norm(nn.Conv2d(entry, width, 1))


def normalised_and_spectral(entry, width):
    """The second part writes into its buffers when the first has kept its own for later."""
    return nn.Sequential(nn.BatchNorm2d(entry), spectral(entry, width))


class Counter(nn.Module):
    """Counts its calls, as a number of the features' type."""

    def __init__(self):
        super().__init__()
        self.register_buffer('calls', torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x / self.calls.clone()


def counted(entry, width):
    return nn.Sequential(nn.BatchNorm2d(entry), Counter(), nn.Conv2d(entry, width, 1))


def weight_normed(entry, width):
    return weight_norm(nn.Conv2d(entry, width, 1))


class Tied(nn.Module):
    """One parameter under two names."""

    def __init__(self, entry, width):
        super().__init__()
        self.first = nn.Conv2d(entry, width, 1)
        self.second = nn.Conv2d(entry, width, 1)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.first(x) * self.second(x).sigmoid()


class Addition(nn.Module):
    """Gradients of input and parameter are the very tensor that comes in."""

    def __init__(self, entry, width):
        super().__init__()
        self.start = entry - width
        self.map = nn.Parameter(torch.randn(2, width, 5, 4))

    def forward(self, x):
        return x[:, self.start :] + self.map


class Idle(nn.Module):
    """Uses neither its input nor one of its parameters."""

    def __init__(self, entry, width):
        super().__init__()
        self.used = nn.Parameter(torch.randn(1, width, 1, 1))
        self.unused = nn.Parameter(torch.randn(3))

    def forward(self, x):
        return self.used.expand(len(x), -1, *x.shape[2:])


UNITS = {
    'bottleneck': None,
    'stacked': dict(type='mmvisx.BottleneckUpdate', stacks=2, shortcut_conv=True),
    'convolution': CONV,
    **{
        unit.__name__: unit
        for unit in (
            randomised,
            pre_activated,
            cumulative,
            spectral,
            normalised_and_spectral,
            counted,
            weight_normed,
            Tied,
            Addition,
            Idle,
        )
    },
}


@pytest.mark.parametrize('residual', [False, True])
@pytest.mark.parametrize('segments', [1, 2, 6])
@pytest.mark.parametrize('unit', UNITS)
def test_equals_plain_autograd(unit, segments, residual):
    plain, ours = pair(UNITS[unit], segments=segments, residual=residual)
    x = data()
    results = []
    for layer in (plain, ours):
        torch.manual_seed(0)
        results.append([run(layer, x) for _ in range(2)])
        results[-1].append(torch.rand(3))  # as many random numbers were drawn
    assert_same(*results)


@pytest.mark.parametrize(('residual', 'training'), [(True, True), (False, True), (True, False)])
def test_gradcheck(residual, training):
    unit = dict(type='mmvisx.BottleneckUpdate', expansion=1)
    _, layer = pair(unit, channels=2, segments=2, residual=residual)
    layer.train(training)
    x = torch.randn(2, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def function(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    parameters = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    assert torch.autograd.gradcheck(function, (x, *parameters))


@pytest.mark.parametrize('need_x', [False, True])
@pytest.mark.parametrize(
    'frozen', [(), (0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2), 'weights', 'biases'], ids=str
)
def test_frozen_parameters_and_inputs(frozen, need_x):
    plain, ours = pair(CONV)
    for layer in (plain, ours):
        for name, parameter in layer.named_parameters():
            kind = {'weights': 'weight', 'biases': 'bias'}.get(frozen) if frozen else None
            learns = not name.endswith(kind) if kind else int(name.split('.')[1]) not in frozen
            parameter.requires_grad_(learns)
    x = data()
    expected, found = run(plain, x, need_x), run(ours, x, need_x)
    assert_same(expected, found)
    assert any(g is not None for g in found[2].values()) is (frozen != (0, 1, 2))


def test_units_that_nothing_asks_for_do_not_run_again():
    calls = []

    def counted(entry, width):
        conv = nn.Conv2d(entry, width, 1)
        conv.register_forward_hook(lambda module, *_: calls.append(module))
        return conv

    _, layer = pair(counted)
    layer.units[0].requires_grad_(False)
    layer(data()).sum().backward()
    assert [calls.count(unit) for unit in layer.units] == [1, 2, 2]


def test_no_grad_and_evaluation():
    plain, ours = pair()
    x = data()
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            out = ours(x)
            assert torch.equal(plain(x), out)
            assert not out.requires_grad
    assert_same(dict(plain.state_dict()), dict(ours.state_dict()))
    assert_same(run(plain.eval(), x), run(ours.eval(), x))


def test_running_statistics_are_updated_once():
    _, layer = pair()
    norm = layer.units[1].bottleneck[0].bn
    out = layer(data())
    before = {name: b.clone() for name, b in layer.named_buffers()}
    assert norm.num_batches_tracked == 1
    out.sum().backward()
    assert_same(before, dict(layer.named_buffers()))


def test_double_use_of_the_layer():
    plain, ours = pair()
    x = data()
    assert_same(
        *(
            run(layer, x, call=lambda x, f=layer: f(f(x) * 0.5) + f(x.sin()))
            for layer in (plain, ours)
        )
    )


def test_one_unit_for_all_segments():
    unit = nn.Sequential(nn.Conv2d(6, 2, 1), nn.BatchNorm2d(2)).double()
    other = copy.deepcopy(unit)
    x = data()
    expected = run(unit, x, call=lambda x: gradual_update(x, [unit] * 3))
    found = run(other, x, call=lambda x: gradual_update_in_place(x, [other] * 3))
    assert_same(expected, found)


@pytest.mark.parametrize('unit', [randomised, spectral])
def test_second_backward_pass_over_the_same_graph(unit):
    _, layer = pair(unit)
    x = data().requires_grad_()
    out = layer(x)
    first = torch.autograd.grad(out.sum(), (x, *layer.parameters()), retain_graph=True)
    torch.rand(5)
    second = torch.autograd.grad(out.sum(), (x, *layer.parameters()))
    assert all(map(torch.equal, first, second))


def test_backward_pass_leaves_the_random_numbers_alone():
    _, layer = pair(randomised)
    out = layer(data())
    state = torch.get_rng_state()
    out.sum().backward()
    assert torch.equal(torch.get_rng_state(), state)


def test_mode_changed_between_the_passes():
    """As with plain autograd, the mode of the forward pass counts, and the change stays."""
    plain, ours = pair(randomised)
    x = data()
    results = []
    for layer in (plain, ours):
        torch.manual_seed(0)

        def call(x, layer=layer):
            out = layer(x)
            layer.eval()
            return out

        results.append(run(layer, x, call=call))
        assert not any(module.training for module in layer.modules())
    assert_same(*results)


def test_statistics_changed_between_the_passes():
    """Of norm layers in evaluation mode, by a call in training mode on other data.

    Plain autograd itself takes the changed ones here, so it goes through the passes at once.
    """
    plain, ours = pair()
    x, other = data(), 10 * data()

    def call(x):
        out = ours.eval()(x)
        ours.train()(other)
        return out

    assert_same(run(plain.eval(), x)[:3], run(ours, x, call=call)[:3])


@pytest.mark.parametrize('use_reentrant', [False, True])
@pytest.mark.parametrize('unit', [CONV, randomised])
def test_gradient_checkpointing_outside(unit, use_reentrant):
    plain, ours = pair(unit)
    x = data()
    results = []
    for layer in (plain, ours):
        torch.manual_seed(0)
        call = lambda x, f=layer: checkpoint(f, x, use_reentrant=use_reentrant)  # noqa: E731
        results.append(run(layer, x, call=call))
    assert_same(*results)


@pytest.mark.parametrize('cache', [False, True])
@pytest.mark.parametrize('backward_inside', [False, True])
def test_autocast(backward_inside, cache):
    """The recomputation runs in the forward pass's precision, not the backward pass's."""
    plain, ours = pair(dtype=torch.float32)
    x = data(dtype=torch.float32)
    seen = []
    ours.units[1].bottleneck[1].conv.register_forward_hook(lambda *a: seen.append(a[-1].dtype))
    results = []
    for layer in (plain, ours):
        inputs = x.clone().requires_grad_()
        with torch.autocast('cpu', torch.bfloat16, cache_enabled=cache):
            out = layer(inputs)
            if backward_inside:
                out.square().sum().backward()
        if not backward_inside:
            out.square().sum().backward()
        assert out.dtype == torch.float32
        results.append([out.detach(), inputs.grad, [p.grad for p in layer.parameters()]])
    assert seen == [torch.bfloat16, torch.bfloat16]
    assert torch.equal(results[0][0], results[1][0])
    norm = max(g.norm() for g in results[0][2])
    for a, b in zip(results[0][2], results[1][2], strict=True):
        assert a.dtype == b.dtype == torch.float32
        assert (a - b).norm() < 0.02 * norm  # bfloat16 has 8 bits
    assert not torch.is_autocast_enabled('cpu')


def test_autocast_only_in_the_backward_pass():
    _, ours = pair(dtype=torch.float32)
    seen = []
    ours.units[1].bottleneck[1].conv.register_forward_hook(lambda *a: seen.append(a[-1].dtype))
    out = ours(data(dtype=torch.float32))
    with torch.autocast('cpu', torch.bfloat16):
        out.sum().backward()
    assert seen == [torch.float32, torch.float32]


def test_autocast_gradients_of_a_weight_that_is_used_outside_too():
    """A copy in low precision that is made without a gradient must not serve others."""
    plain, ours = pair(dict(CONV, bias=False), dtype=torch.float32)
    x = data(dtype=torch.float32)
    grads = []
    for layer in (plain, ours):
        with torch.autocast('cpu', torch.bfloat16):
            out = layer(x).sum() + layer.units[0](x).square().sum()
        out.backward()
        grads.append(layer.units[0].weight.grad)
    assert (grads[0] - grads[1]).norm() < 0.02 * grads[0].norm()


def test_input_in_low_precision():
    plain, ours = pair(CONV, dtype=torch.bfloat16)
    x = data(dtype=torch.bfloat16)
    expected, found = run(plain, x), run(ours, x)
    assert torch.equal(expected[0], found[0])
    assert found[1].dtype == torch.bfloat16
    torch.testing.assert_close(found[1].float(), expected[1].float(), rtol=0.1, atol=0.1)


@pytest.mark.parametrize('changed', ['input', 'output', 'parameter'])
def test_saved_tensors_changed_in_place_are_an_error(changed):
    """What plain autograd says when a weight or an input is overwritten."""
    _, layer = pair(CONV)
    x = (data().requires_grad_() * 1).clone()
    out = layer(x)
    loss = out.sum()
    with torch.no_grad():
        {'input': x, 'output': out, 'parameter': layer.units[2].weight}[changed].add_(1)
    with pytest.raises(UserError, match=r'gradual update with 3 units .*inplace operation'):
        loss.backward()


def test_a_relu_in_place_behind_the_layer_is_named():
    """Plain autograd has a copy of the output, so that it can take it."""
    plain, ours = pair(CONV)
    expected = nn.Sequential(plain, nn.ReLU(inplace=True))(data())
    expected.sum().backward()
    with pytest.raises(UserError, match=r'inplace=False in the layer behind it \(nn.ReLU\)'):
        nn.Sequential(ours, nn.ReLU(inplace=True))(data()).sum().backward()


def test_a_freed_graph_keeps_the_error_of_autograd():
    _, layer = pair(CONV)
    out = layer(data()).sum()
    out.backward()
    with pytest.raises(RuntimeError, match='backward through the graph a second time') as error:
        out.backward()
    assert not isinstance(error.value, UserError)


@pytest.mark.parametrize('result', [True, False])
@pytest.mark.parametrize('failing', [True, False])
def test_the_saved_tensors_and_the_incoming_gradient_are_not_changed(result, failing):
    """Nor while another reads them after an error in the middle of the backward pass."""
    _, layer = pair()
    leaf = data().requires_grad_()
    x = leaf * 1 if result else leaf
    out = layer(x)
    probe = torch.randn_like(out)
    before = [t.detach().clone() for t in (x, out, probe)]
    if failing:

        def fail(*_):
            raise ValueError('broken')

        handle = layer.units[1].register_forward_hook(fail)
        with pytest.raises(ValueError, match='broken'):
            torch.autograd.grad(out, leaf, probe, retain_graph=True)
        handle.remove()
        assert all(map(torch.equal, before, (x, out, probe)))
    torch.autograd.grad(out, leaf, probe)
    assert all(map(torch.equal, before, (x, out, probe)))


def test_a_gradient_without_memory_of_its_own():
    plain, ours = pair(CONV)
    x = data()
    results = []
    for layer in (plain, ours):
        layer(x).sum().backward()  # one number for all
        results.append([p.grad for p in layer.parameters()])
    assert_same(*results)


def test_second_derivative_is_a_clear_error():
    _, layer = pair(CONV)
    x = data().requires_grad_()
    (grad,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match='once_differentiable'):
        grad.sum().backward()


def test_gradients_of_replaced_parameters():
    """functional_call from outside, as with averaged or adapted weights."""
    plain, ours = pair()
    x = data()
    found = []
    for layer in (plain, ours):
        new = {n: (p.detach() * 1.5).requires_grad_() for n, p in layer.named_parameters()}
        out = torch.func.functional_call(layer, {n: 2 * p for n, p in new.items()}, (x,))
        found.append(torch.autograd.grad(out.square().sum(), list(new.values())))
        assert all(p.grad is None for p in layer.parameters())
    assert_same(*found)


def test_hooks_of_parameters_run_once():
    _, layer = pair(CONV)
    calls = []
    for parameter in layer.parameters():
        parameter.register_post_accumulate_grad_hook(calls.append)
    layer(data()).sum().backward()
    assert sorted(map(id, calls)) == sorted(map(id, layer.parameters()))


def test_gradients_accumulate():
    plain, ours = pair()
    x = data()
    for layer in (plain, ours):
        for scale in (1, 2):
            layer(x * scale).square().sum().backward()
    assert_same(*([p.grad for p in m.parameters()] for m in (plain, ours)))


def test_copies_work_for_themselves():
    _, layer = pair()
    layer(data()).sum().backward()
    other = copy.deepcopy(layer)
    other.zero_grad()
    x = data()
    assert_same(run(layer.zero_grad() or layer, x), run(other, x))


@pytest.mark.parametrize('memory_format', [torch.contiguous_format, torch.channels_last])
def test_memory_formats(memory_format):
    plain, ours = pair()
    x = data().contiguous(memory_format=memory_format)
    expected, found = run(plain, x), run(ours, x)
    assert found[0].is_contiguous(memory_format=memory_format)
    assert_same(expected, found)


@pytest.mark.parametrize('view', ['transposed', 'expanded', 'strided'])
def test_views_as_inputs(view):
    plain, ours = pair(CONV)
    shape, look = {
        'transposed': ((2, 5, 4, 6), lambda x: x.permute(0, 3, 1, 2)),
        'expanded': ((1, 6, 5, 4), lambda x: x.expand(2, -1, -1, -1)),
        'strided': ((2, 12, 5, 8), lambda x: x[:, ::2, :, ::2]),
    }[view]
    x = torch.randn(shape, dtype=torch.float64)
    results = []
    for layer in (plain, ours):
        leaf = x.clone().requires_grad_()
        layer(look(leaf)).square().sum().backward()
        detached = look(x.clone()).requires_grad_()
        layer(detached).square().sum().backward()
        results.append([leaf.grad, detached.grad, [p.grad for p in layer.parameters()]])
    assert_same(*results)


@pytest.mark.parametrize('shape', [(4, 6), (4, 6, 5), (2, 6, 3, 2, 4)])
def test_any_number_of_dimensions(shape):
    kind = {2: nn.Linear, 3: lambda a, b: nn.Conv1d(a, b, 1), 5: lambda a, b: nn.Conv3d(a, b, 1)}
    plain, ours = pair(kind[len(shape)])
    x = torch.randn(shape, dtype=torch.float64)
    assert_same(run(plain, x), run(ours, x))


def saved_bytes(layer, x):
    """Return how many bytes of different memory autograd keeps for the backward pass."""
    storages = {}

    def pack(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    own = {t.untyped_storage().data_ptr() for t in (x, *layer.parameters(), *layer.buffers())}
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        out = layer(x)
    assert out.requires_grad
    return sum(size for pointer, size in storages.items() if pointer not in own)


def test_only_the_output_is_kept():
    """Plain autograd keeps at least a map for each unit."""
    plain, ours = pair(channels=24, segments=12, dtype=torch.float32)
    x = torch.randn(2, 24, 16, 16, requires_grad=True)
    size = x.numel() * x.element_size()
    assert saved_bytes(ours, x) == size
    assert saved_bytes(plain, x) > 12 * size


def test_nothing_stays_after_the_backward_pass():
    """Not even until the garbage collector comes."""
    _, layer = pair()
    gc.disable()
    try:
        out = layer(data())
        recording = weakref.ref(out.grad_fn.recordings[0])
        out.sum().backward()
        assert recording() is not None
        del out
        assert recording() is None
    finally:
        gc.enable()


def replicate(module):
    """What nn.DataParallel makes for each device: parameters become plain attributes."""
    replica = module._replicate_for_data_parallel()
    for name, child in module.named_children():
        replica._modules[name] = replicate(child)
    for name, parameter in module._parameters.items():
        setattr(replica, name, None if parameter is None else parameter * 1)
    return replica


def test_replicas_of_data_parallel_learn():
    plain, ours = pair()
    x = data()
    replica = replicate(ours)
    assert not list(replica.parameters())
    plain(x).square().sum().backward()
    replica(x).square().sum().backward()
    assert_same(*([p.grad for p in m.parameters()] for m in (plain, ours)))
