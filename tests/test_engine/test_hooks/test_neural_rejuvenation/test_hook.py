"""The hook in a training: penalty, monitor, rejuvenation, restart, checkpoints."""

import copy
import json
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmvisx.engine.hooks import CrossAttentionBaselineHook, NeuralRejuvenationHook
from mmvisx.engine.hooks.neural_rejuvenation import hook as module
from mmvisx.engine.hooks.neural_rejuvenation.penalty import ScalePenalty, add_l1_gradient
from mmvisx.engine.runner import CheckedRunner
from mmvisx.surgery.neural_rejuvenation import (
    Utilization,
    build_channel_graph,
    rejuvenate,
    utilization,
)
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.errors import UserError
from tests.helpers.neural_rejuvenation_nets import (
    IMAGES,
    Chain,
    conv_bn,
    convolution_weights,
    wither,
)
from tests.helpers.neural_rejuvenation_training import (
    BATCHES,
    Classifier,
    WitherHook,
    build_runner,
)
from tests.helpers.processes import run_two

X = torch.randn(IMAGES, generator=torch.Generator().manual_seed(0))
HELPER = Path(__file__).resolve().parents[3] / 'helpers' / 'neural_rejuvenation_training.py'


def hook_of(runner):
    return next(hook for hook in runner.hooks if isinstance(hook, NeuralRejuvenationHook))


def trained_by(runner):
    groups = runner.optim_wrapper.param_groups
    # MMEngine adds a group with a number, for the rates without factors.
    return {id(p) for group in groups for p in group['params'] if p.dim()}


def equal_states(ours, other):
    assert ours.keys() == other.keys()
    for name, value in ours.items():
        assert torch.equal(value, other[name]), name


class Spy(Hook):
    """Call a function after every iteration."""

    def __init__(self, function):
        self.function = function

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.function(runner)


# --- penalty


class PenalisedLoss(Classifier):
    """The loss of Eq. 5.3, by autograd."""

    coefficient = 0.01

    def forward(self, inputs, data_samples=None, mode='tensor'):
        result = super().forward(inputs, data_samples, mode)
        if mode == 'loss':
            norms = [m for m in self.modules() if isinstance(m, nn.BatchNorm2d)]
            result['loss_l1'] = self.coefficient * sum(norm.weight.abs().sum() for norm in norms)
        return result


@pytest.mark.parametrize('counts', [1, 2])
@pytest.mark.parametrize('kind', ['SGD', 'AdamW'])
def test_penalty_is_equation_5_3_once_per_step(tmp_path, counts, kind):
    optimizer = dict(type=kind, lr=0.05, weight_decay=1e-3)
    optimizer |= dict(momentum=0.9) if kind == 'SGD' else {}
    wrapper = dict(type='OptimWrapper', optimizer=optimizer, accumulative_counts=counts)
    ended = []
    for penalised in (False, True):
        torch.manual_seed(0)
        # Without a bias, whose gradient is rounding error that AdamW makes as large as any.
        model = PenalisedLoss('Dense') if penalised else Classifier('Dense')
        wither(model)  # scales of both signs
        runner = build_runner(
            tmp_path / str(penalised),
            wither_at=(),
            epochs=2,
            hook=dict(fixed_lambda=0.0 if penalised else 0.01, threshold=0.03),
            optim_wrapper=copy.deepcopy(wrapper),
            model=model,
        )
        runner.train()
        ended.append({k: v.clone() for k, v in runner.model.state_dict().items()})
    ours, expected = ended
    for name, value in ours.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-5, msg=name)


def test_penalty_leaves_scales_without_gradient_alone():
    scales = [nn.Parameter(torch.tensor([0.5, -0.5, 0.0])), nn.Parameter(torch.ones(2))]
    scales[0].grad = torch.tensor([1.0, 1.0, 1.0])
    add_l1_gradient(scales, 0.25)
    assert scales[0].grad.tolist() == [1.25, 0.75, 1.0]
    assert scales[1].grad is None
    add_l1_gradient(scales, 0.0)
    assert scales[0].grad.tolist() == [1.25, 0.75, 1.0]


def test_only_free_neurons_are_penalised(tmp_path):
    runner = build_runner(tmp_path, net='Residual', wither_at=(), epochs=1)
    runner.train()
    hook = hook_of(runner)
    (scales,) = hook._penalty.scales.values()
    free = {id(runner.model.get_submodule(n).weight) for g in hook.graph.groups for n in g.norms}
    assert {id(p) for p in scales} == free
    assert id(runner.model.net.stem[1].weight) not in free


# --- monitor


def test_lambda_grows_while_the_utilization_stalls(tmp_path, monkeypatch):
    ratios = iter([1.0, 1.0, 0.995, 0.98, 0.96, 0.955])

    def told(model, graph, resource):
        state = utilization(model, graph, resource)
        return Utilization(next(ratios), state.used, state.total, state.alive, [])

    seen = []
    monkeypatch.setattr(module, 'utilization', told)
    monkeypatch.setattr(
        module.report, 'log_state', lambda *args, coefficient, **_: seen.append(coefficient)
    )
    runner = build_runner(
        tmp_path, wither_at=(), epochs=6, hook=dict(fixed_lambda=None, lambda_step=0.25)
    )
    runner.train()
    # Seen before each decision: 1.0 is the start, then two stalls, two drops, one stall.
    assert seen == [0, 0, 0.25, 0.5, 0.5, 0.5]
    assert hook_of(runner).coefficient == 0.75


def test_lambda_starts_at_zero_again_after_a_rejuvenation(tmp_path):
    runner = build_runner(
        tmp_path,
        epochs=4,
        hook=dict(fixed_lambda=None, lambda_step=1e-3, num_rejuvenations=2),
    )
    seen = []
    runner.register_hook(Spy(lambda r: seen.append(hook_of(r).coefficient)))
    runner.train()
    assert (hook_of(runner).count, hook_of(runner).start_iter) == (1, 2 * BATCHES)
    # An epoch, a stall and an epoch with the first step; then the same again.
    by_epoch = [0, 1e-3, 0, 1e-3, 2e-3, 3e-3]
    assert seen == pytest.approx([value for value in by_epoch for _ in range(BATCHES)])


def test_flag_is_on_in_its_window_only(tmp_path, monkeypatch):
    runner = build_runner(tmp_path, wither_at=(0, 3 * BATCHES), epochs=4, hook=dict(window=(1, 2)))
    coefficients = []
    original = ScalePenalty.add

    def spy(self, *args):
        coefficients.append(self.coefficient())
        original(self, *args)

    monkeypatch.setattr(ScalePenalty, 'add', spy)
    runner.train()
    # Withered at the start; the flag goes on at epoch 1, and off by the one rejuvenation.
    assert hook_of(runner).count == 1
    assert hook_of(runner).start_epoch == 1
    assert not any(coefficients)
    assert runner.max_epochs == 5


# --- rejuvenation


def test_rejuvenation_restarts_schedules_and_ends_as_much_later(tmp_path):
    runner = build_runner(tmp_path, epochs=4, hook=dict(variant='NR-CR'))
    before = convolution_weights(runner.model)
    rates = []
    runner.register_hook(Spy(lambda r: rates.append(r.optim_wrapper.get_lr()['lr'][0])))
    runner.train()
    hook = hook_of(runner)
    assert (hook.count, hook.start_epoch, runner.epoch, runner.max_epochs) == (1, 2, 6, 6)
    assert runner.iter == runner.max_iters == 6 * BATCHES
    assert 0.95 * before <= convolution_weights(runner.model) <= before
    # The schedule of four epochs, from its start.
    expected = [0.1] * 2 * BATCHES + [0.1] * 3 * BATCHES + [0.01] * BATCHES
    assert rates == pytest.approx(expected)
    decays = [g['weight_decay'] for g in runner.optim_wrapper.param_groups]
    assert decays.count(0.0) == 6  # scales and shifts of three norms
    assert trained_by(runner) == {id(p) for p in runner.model.parameters()}


def test_several_rejuvenations_keep_to_the_first_budget(tmp_path):
    runner = build_runner(
        tmp_path,
        wither_at=(BATCHES, 2 * BATCHES, 3 * BATCHES),
        epochs=2,
        hook=dict(variant='NR-CR', num_rejuvenations=None),
    )
    before = convolution_weights(runner.model)
    runner.train()
    hook = hook_of(runner)
    assert hook.count == 3
    assert runner.max_epochs == 5
    assert [len(group.counts) for group in hook.graph.groups] == [4, 4, 4]
    assert 0.9 * before <= convolution_weights(runner.model) <= before


def test_compression_to_a_half_and_training_by_iterations(tmp_path):
    runner = build_runner(
        tmp_path,
        wither_at=(4,),
        hook=dict(target=0.5, threshold=0.4, lambda_interval=0.5, resource='flops'),
        train_cfg=dict(by_epoch=False, max_iters=8),
        param_scheduler=dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=8),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4)),
    )
    before = convolution_weights(runner.model)
    runner.train()
    assert hook_of(runner).count == 1
    assert hook_of(runner).start_iter == 4
    assert runner.iter == 12
    # All maps have the same size but the last; the target is in multiply-adds.
    assert convolution_weights(runner.model) < 0.6 * before


def test_rejuvenation_waits_for_accumulated_gradients(tmp_path):
    wrapper = dict(optimizer=dict(type='SGD', lr=0.1), accumulative_counts=3)
    runner = build_runner(tmp_path, wither_at=(BATCHES,), optim_wrapper=wrapper, epochs=4)
    runner.train()
    # 4 iterations an epoch: only after three epochs a step has just ended.
    assert hook_of(runner).start_iter == 3 * BATCHES


def test_average_of_the_weights_goes_along(tmp_path):
    runner = build_runner(
        tmp_path,
        net='Dense',
        hook=dict(variant='NR-CA', rescale=True),
        hooks=[dict(type='EMAHook', momentum=0.5)],
    )
    outputs = []

    def look(r):
        average = next(h.ema_model for h in r.hooks if hasattr(h, 'ema_model'))
        equal = average.module.state_dict().keys() == r.model.state_dict().keys()
        shapes = all(
            a.shape == b.shape
            for a, b in zip(average.module.parameters(), r.model.parameters(), strict=True)
        )
        outputs.append((equal, shapes, average.module.eval()(X).isfinite().all().item()))

    runner.register_hook(Spy(look))
    runner.train()
    assert hook_of(runner).count == 1
    assert len(outputs) == 6 * BATCHES
    assert all(all(row) for row in outputs)
    average = next(h.ema_model for h in runner.hooks if hasattr(h, 'ema_model'))
    assert not torch.equal(average.module.net.fc.weight, runner.model.net.fc.weight)
    held = {id(p) for p in average.avg_parameters.values()}
    assert held == {id(p) for p in average.module.parameters()}


def test_loss_scaling_goes_on():
    graph = build_channel_graph(Chain(), X)
    model = wither(Chain())
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    scaler = torch.amp.GradScaler('cpu', init_scale=1024.0, growth_interval=1)
    for turn in range(4):
        if turn == 2:
            rejuvenate(model, graph, convolution_weights(model), optimizers=[optimizer])
        before = model.fc.weight.detach().clone()
        optimizer.zero_grad()
        scaler.scale(model(X).pow(2).mean()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert not torch.equal(before, model.fc.weight)
    assert scaler.get_scale() == 1024.0 * 2**4


def test_log_has_utilization_lambda_and_living_neurons(tmp_path):
    runner = build_runner(tmp_path)
    runner.train()
    (path,) = tmp_path.glob('*/vis_data/scalars.json')
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    ratios = [row['nr_utilization'] for row in rows if 'nr_live.net.body.0.0' in row]
    assert ratios[0] == 1
    assert min(ratios) < 0.5
    assert ratios[-1] == 1  # right after the rejuvenation
    lives = [row['nr_live.net.body.0.0'] for row in rows if 'nr_live.net.body.0.0' in row]
    assert lives[0] == 12
    assert min(lives) < 12
    assert {row['nr_lambda'] for row in rows if 'nr_lambda' in row} == {1e-3}
    pictures = {p.name for p in path.parent.glob('vis_image/*')}
    step = 2 * BATCHES
    assert pictures == {'nr_live_start_0.png'} | {
        f'nr_live_{when}_{step}.png' for when in ('before', 'after')
    }
    (log,) = tmp_path.glob('*/*.log')
    text = log.read_text()
    assert '48 neurons in 3 layers may die, 0 layers are fixed alive' in text
    assert 'rejuvenation 1 (NR) at iteration 8: utilization' in text


# --- checkpoints


@pytest.mark.parametrize(
    ('kind', 'variant'),
    [
        (Runner, 'NR-CA'),
        (CheckedRunner, 'NR-CR'),
        pytest.param(Runner, 'NR-CR', marks=pytest.mark.slow),
        pytest.param(CheckedRunner, 'NR', marks=pytest.mark.slow),
        pytest.param(CheckedRunner, 'NR-CA', marks=pytest.mark.slow),
        pytest.param(CheckedRunner, 'NR-FS', marks=pytest.mark.slow),
    ],
)
def test_resumed_training_equals_the_uninterrupted_one(tmp_path, kind, variant):
    options = dict(
        net='Separable',
        epochs=2,
        wither_at=(BATCHES, 2 * BATCHES),
        hook=dict(variant=variant, rescale=True, num_rejuvenations=2),
        hooks=[dict(type='EMAHook')],
        kind=kind,
    )
    whole = build_runner(tmp_path / 'whole', **options)
    whole.train()
    assert hook_of(whole).count == 2
    last = torch.load(tmp_path / 'whole' / 'epoch_4.pth', weights_only=kind is CheckedRunner)
    # Right before the first, between them, and after the second.
    for epoch in (1, 2, 3):
        checkpoint = tmp_path / 'whole' / f'epoch_{epoch}.pth'
        resumed = build_runner(
            tmp_path / f'{epoch}', resume=True, load_from=str(checkpoint), **options
        )
        resumed.train()
        assert resumed.epoch == resumed.max_epochs == 4
        content = torch.load(
            tmp_path / f'{epoch}' / 'epoch_4.pth', weights_only=kind is CheckedRunner
        )
        equal_states(last['state_dict'], content['state_dict'])
        equal_states(last['ema_state_dict'], content['ema_state_dict'])
        assert last['neural_rejuvenation'] == content['neural_rejuvenation']


def test_checkpoint_loads_into_the_configs_model(tmp_path):
    runner = build_runner(tmp_path, hook=dict(variant='NR-CR'))
    runner.train()
    checkpoint = read_checkpoint(tmp_path / 'epoch_6.pth')
    fresh = Classifier()
    assert load_weights(fresh, checkpoint, 'epoch_6.pth').exact
    with torch.no_grad():
        assert torch.equal(fresh.eval()(X), runner.model.eval()(X))
    with pytest.raises(UserError, match='does not have'):
        load_weights(Classifier('Residual'), checkpoint, 'epoch_6.pth')
    # A new training that starts from it, without and with the hook.
    for hooks in ([], [dict(type='mmvisx.NeuralRejuvenationHook', fixed_lambda=0.0)]):
        tuned = build_runner(
            tmp_path / f'tuned{len(hooks)}',
            wither_at=(),
            epochs=1,
            load_from=str(tmp_path / 'epoch_6.pth'),
            custom_hooks=hooks,
        )
        tuned.train()
        shapes = {k: v.shape for k, v in tuned.model.state_dict().items()}
        assert shapes == {k: v.shape for k, v in runner.model.state_dict().items()}
        assert trained_by(tuned) == {id(p) for p in tuned.model.parameters()}
        # Its own checkpoint says the same of the network, hook or not.
        content = read_checkpoint(tmp_path / f'tuned{len(hooks)}' / 'epoch_1.pth')
        assert load_weights(Classifier(), content, 'epoch_1.pth').exact


@pytest.mark.parametrize('net', ['Chain', 'Dense'])
def test_baseline_with_cross_attention(tmp_path, net):
    torch.manual_seed(0)
    plain = Classifier(net)
    before = copy.deepcopy(plain.state_dict())
    options = dict(
        net=net,
        wither_at=(),
        epochs=2,
        custom_hooks=[dict(type='mmvisx.CrossAttentionBaselineHook'), dict(type='EMAHook')],
    )
    runner = build_runner(tmp_path / 'whole', model=plain, **options)
    runner.call_hook('before_run')  # without a training, there is no optimizer to look after
    batch = dict(inputs=X, data_samples=torch.zeros(2))
    hook = next(h for h in runner.hooks if type(h).__name__ == 'CrossAttentionBaselineHook')
    hook.graph = hook._trace(runner, batch)
    mixed = [m for m in plain.modules() if type(m).__name__ == 'CrossAttentionConv2d']
    assert len(mixed) == {'Chain': 2, 'Dense': 6}[net]  # all but the first convolution
    equal_states(before, plain.state_dict())  # the very weights
    whole = build_runner(tmp_path / 'whole', **options)
    whole.train()
    checkpoint = str(tmp_path / 'whole' / 'epoch_1.pth')
    resumed = build_runner(tmp_path / 'resumed', resume=True, load_from=checkpoint, **options)
    resumed.train()
    equal_states(whole.model.state_dict(), resumed.model.state_dict())
    with pytest.raises(UserError, match='share=1'):
        CrossAttentionBaselineHook(share=1)


# --- mistakes


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(resource='time'), "resource='time'"),
        (dict(variant='CR'), "variant='CR'"),
        (dict(target=0.4), 'threshold=0.5 should be above 0 and at most target=0.4'),
        (dict(threshold=0.0), 'threshold=0.0'),
        (dict(window=(3, 2)), r'window=\(3, 2\)'),
        (dict(lambda_step=-1.0), 'lambda_step=-1.0'),
        (dict(lambda_interval=0), 'lambda_interval=0'),
        (dict(num_rejuvenations=-1), 'num_rejuvenations=-1'),
        (dict(input_shape=(32, 32)), r'input_shape=\(32, 32\)'),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(UserError, match=message):
        NeuralRejuvenationHook(**options)


def test_network_that_cannot_be_rejuvenated_is_refused_and_left_alone(tmp_path):
    model = Classifier()
    for index in (0, 1, 3):
        model.net.body[index][1] = nn.Identity()
    before = copy.deepcopy(model.state_dict())
    runner = build_runner(tmp_path, model=model, wither_at=())
    with pytest.raises(UserError, match='followed by a batch normalisation'):
        runner.train()
    equal_states(before, model.state_dict())
    runner = build_runner(tmp_path, wither_at=(), hook=dict(two_heads=True))
    with pytest.raises(UserError, match='TwoHeadLinearClsHead'):
        runner.train()


def read_log(folder):
    (log,) = folder.glob('*/*.log')
    return log.read_text()


def test_threshold_out_of_reach_is_refused(tmp_path):
    """The residual network's stem and projections stay: 1,380 of 6,568 weights."""
    runner = build_runner(tmp_path, net='Residual', wither_at=(), hook=dict(threshold=0.21))
    with pytest.raises(
        UserError, match=r'least utilization \(params\) .* 0\.2101.*threshold=0\.21'
    ):
        runner.train()
    assert runner.iter == 0
    runner = build_runner(
        tmp_path / 'above', net='Residual', wither_at=(), epochs=1, hook=dict(threshold=0.22)
    )
    runner.train()
    # Nobody waits for a rejuvenation here.
    runner = build_runner(
        tmp_path / 'off',
        net='Residual',
        wither_at=(),
        epochs=1,
        hook=dict(threshold=0.21, num_rejuvenations=0),
    )
    runner.train()
    assert 'without a rejuvenation' not in read_log(tmp_path / 'off')


def test_further_rejuvenation_out_of_reach_ends_the_penalty(tmp_path):
    """Half of the weights are left, so that what stays counts twice: 0.42."""
    hook = dict(target=0.5, threshold=0.4, num_rejuvenations=None, fixed_lambda=None)
    runner = build_runner(
        tmp_path,
        net='Residual',
        wither_at=(),
        epochs=3,
        hook=hook | dict(lambda_step=1e-3),
        hooks=[WitherHook((BATCHES,), share=0.8)],
    )
    runner.train()
    assert hook_of(runner).count == 1
    assert hook_of(runner).coefficient == 0
    assert 'there will be no further rejuvenation' in read_log(tmp_path)


def test_training_without_a_rejuvenation_says_so(tmp_path):
    runner = build_runner(
        tmp_path / 'none',
        wither_at=(),
        epochs=3,
        hook=dict(fixed_lambda=None, lambda_step=1e-4, threshold=0.3),
    )
    runner.train()
    assert (
        'the training ends without a rejuvenation: the utilization was 1.0000 at the end of the '
        'last interval, not below threshold=0.3, with lambda=0.0002'
    ) in read_log(tmp_path / 'none')
    runner = build_runner(tmp_path / 'one')
    runner.train()
    assert 'without a rejuvenation' not in read_log(tmp_path / 'one')


class BasicBlocks(nn.Module):
    """As ResNet-18: in each branch one convolution that may lose neurons, and one that not."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8)
        self.convs = nn.ModuleList(
            nn.Sequential(conv_bn(8, 12), conv_bn(12, 8)[:2]) for _ in range(2)
        )
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        for convs in self.convs:
            x = (x + convs(x)).relu()
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize(
    ('variant', 'what', 'kind'),
    [('NR-CA', 'cross attention', 'Attention'), ('NR-CR', 'no cross connections', 'Removed')],
)
def test_number_of_mixed_layers_is_logged(tmp_path, variant, what, kind):
    """And is what the rejuvenation builds; in one with basic blocks there are none."""

    def count(runner):
        return sum(type(m).__name__ == f'Cross{kind}Conv2d' for m in runner.model.modules())

    runner = build_runner(tmp_path / 'some', net='Residual', hook=dict(variant=variant))
    runner.train()
    # The 3x3 convolution of each of three bottlenecks.
    assert f'{variant}: 3 of 12 convolutions get {what}\n' in read_log(tmp_path / 'some')
    assert count(runner) == 3
    model = Classifier()
    model.net = BasicBlocks()
    runner = build_runner(tmp_path / 'none', model=model, hook=dict(variant=variant, threshold=0.7))
    runner.train()
    line = next(li for li in read_log(tmp_path / 'none').splitlines() if f'get {what}' in li)
    assert 'WARNING' in line
    assert f'{variant}: 0 of 5 convolutions get {what}: none lies between two' in line
    assert (hook_of(runner).count, count(runner)) == (1, 0)


def test_dead_layer_is_named_and_the_training_goes_on(tmp_path):
    runner = build_runner(tmp_path, wither_at=())

    def kill(r):
        if r.iter == 2 * BATCHES - 1:
            r.model.net.body[1][1].weight.data.zero_()

    runner.register_hook(Spy(kill))
    runner.train()
    (log,) = tmp_path.glob('*/*.log')
    assert 'all neurons of net.body.1.0 are dead; the strongest one is kept' in log.read_text()
    assert hook_of(runner).count == 1
    assert all(p.isfinite().all() for p in runner.model.parameters())


# --- two processes


@pytest.mark.slow
@pytest.mark.parametrize('variant', ['NR', 'NR-CR'])
def test_two_processes_decide_and_draw_the_same(tmp_path, variant):
    run_two(HELPER, tmp_path, variant)
    first, second = (
        torch.load(tmp_path / f'rank{rank}.pth', weights_only=False) for rank in (0, 1)
    )
    assert first['wrapper'] == 'MMDistributedDataParallel'
    assert (first['count'], first['epochs']) == (1, 4)
    assert first['graph'] == second['graph']
    equal = {k: v for k, v in first['state_dict'].items() if 'running' not in k}
    equal_states(equal, {k: second['state_dict'][k] for k in equal})
    for ours, other in zip(first['momenta'], second['momenta'], strict=True):
        assert torch.equal(ours, other)
        assert ours.any()
