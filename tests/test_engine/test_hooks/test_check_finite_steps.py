"""Steps of several iterations or optimizers, of asynchronous SGD, and in float16."""

from operator import itemgetter

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import AmpOptimWrapper, OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import nn

from mmvisx.engine.hooks.check_finite_loss import MOST_IN_A_ROW, CheckFiniteLossHook
from mmvisx.utils import UserError
from tests.helpers.asynchronous_two_heads import TwoHeads, batches, weights, wrapper
from tests.helpers.loggers import forget_loggers
from tests.test_engine.test_hooks.test_check_finite_gradients import BAD, Keeps, built, train

TWO_A_STEP = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9), accumulative_counts=2)


def saved_inputs(folder, iteration):
    """The batch of a record."""
    content = torch.load(folder / f'non_finite_iter_{iteration}.pth', weights_only=True)
    kwargs = dict(content['non_finite_step']['kwargs']['items'])
    return kwargs['inputs']


def hook_of(runner):
    return next(hook for hook in runner.hooks if isinstance(hook, CheckFiniteLossHook))


def finite(model):
    return all(bool(value.isfinite().all()) for value in model.state_dict().values())


def test_a_gradient_that_waits_for_others_stops_in_its_own_iteration(tmp_path):
    with pytest.raises(UserError, match=r'iteration 3: gradients not finite: norm\.weight'):
        train(tmp_path, built(), [3], optim=TWO_A_STEP)
    assert (saved_inputs(tmp_path, 3) == BAD).any()


@pytest.mark.parametrize('spoil', [False, True])
def test_an_accumulated_step_is_left_out_whole(tmp_path, spoil):
    """Its first iteration is bad: its loss (spoil), or only its gradient."""
    keeps, model = Keeps(), built(spoil=spoil)
    runner = train(tmp_path, model, [3], optim=TWO_A_STEP, hooks=[keeps], on_non_finite='skip')
    assert hook_of(runner).skipped == 1
    before, after, end = keeps.kept[1], keeps.kept[3], keeps.kept[5]
    assert all(map(torch.equal, before, after))
    assert not all(map(torch.equal, after, end))
    assert finite(model)
    assert (saved_inputs(tmp_path, 4) == BAD).any()


def test_a_check_now_and_then_is_of_whole_steps(tmp_path):
    """The loss is bad in the first iteration of a step that is checked; the step comes after it."""
    model = built(spoil=True)
    runner = train(
        tmp_path, model, [21], 22, optim=TWO_A_STEP, interval=10, on_non_finite='skip'
    )  # fmt: skip
    assert hook_of(runner).skipped == 1
    assert finite(model)


class TwoParts(BaseModel):
    """A part with a good loss, and one whose root has an infinite slope in bad batches."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.good, self.root = nn.Linear(3, 1), nn.Linear(3, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        factor = 0.0 if bool((inputs == BAD).any()) else 1.0
        return dict(
            loss_good=self.good(inputs).square().mean(),
            loss_root=(self.root(inputs) * factor).square().sum().sqrt(),
        )

    def train_step(self, data, optim_wrapper):
        losses = self(**self.data_preprocessor(data, True), mode='loss')
        for name in ('root', 'good'):
            optim_wrapper[name].update_params(losses[f'loss_{name}'])
        return losses


def two_optimizers(model):
    return OptimWrapperDict(**{
        name: OptimWrapper(torch.optim.SGD(getattr(model, name).parameters(), lr=0.01))
        for name in ('good', 'root')
    })  # fmt: skip


def test_of_several_optimizers_the_bad_one_is_named(tmp_path):
    model = TwoParts()
    with pytest.raises(UserError) as caught:
        train(tmp_path, model, [3], optim=two_optimizers(model))
    assert 'iteration 3: gradients not finite: root.weight, root.bias. ' in str(caught.value)
    assert 'lr (now 0.01)' in str(caught.value)
    assert finite(model)


def test_of_several_optimizers_only_the_bad_step_is_left_out(tmp_path):
    model, expected = TwoParts(), TwoParts()
    bad = range(3, 3 + MOST_IN_A_ROW)
    runner = train(tmp_path, model, bad, len(bad) + 2, two_optimizers(model), on_non_finite='skip')
    assert hook_of(runner).skipped == MOST_IN_A_ROW
    train(tmp_path / 'two', expected, iterations=2, optim=two_optimizers(expected))
    assert torch.equal(model.root.weight, expected.root.weight)
    assert not torch.equal(model.good.weight, expected.good.weight)
    # The good part's steps in between do not begin the count anew.
    with pytest.raises(UserError, match=f'{MOST_IN_A_ROW + 1} steps in a row'):
        train(
            tmp_path / 'more', model, [*bad, bad.stop], 20, two_optimizers(model),
            on_non_finite='skip',
        )  # fmt: skip


class Steep(TwoHeads):
    """The gradient of a bad batch is infinite from the trunk on, its loss is finite."""

    def extract_feat(self, inputs):
        hidden = super().extract_feat(inputs)
        if hidden.requires_grad and bool((inputs == BAD).any()):
            hidden.register_hook(lambda grad: grad * torch.inf)
        return hidden


def train_heads(folder, model, data, **kwargs):
    forget_loggers()
    runner = Runner(
        model,
        str(folder),
        train_dataloader=dict(
            batch_size=1,
            dataset=data,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type=itemgetter(0)),
        ),
        train_cfg=dict(by_epoch=False, max_iters=len(data)),
        optim_wrapper=wrapper(model, trunk_images=7, task_images=4),
        custom_hooks=[dict(type='mmvisx.CheckFiniteLossHook', **kwargs)],
        experiment_name=folder.name,
    )
    runner.train()
    return runner


def test_asynchronous_sgd_counts_no_batch_with_a_bad_gradient(tmp_path):
    data = batches(12, 4, dtype=torch.float32)
    model, expected = Steep(torch.float32), Steep(torch.float32)
    spoilt = [*data[:5], dict(data[5], inputs=torch.full_like(data[5]['inputs'], BAD)), *data[5:]]
    runner = train_heads(tmp_path / 'skip', model, spoilt, on_non_finite='skip')
    without = train_heads(tmp_path / 'without', expected, data)
    assert hook_of(runner).skipped == 1
    assert runner.optim_wrapper.counts == without.optim_wrapper.counts
    for name, value in weights(expected).items():
        assert torch.equal(weights(model)[name], value)
    with pytest.raises(UserError, match=r'iteration 6: gradients not finite: trunk\.weight'):
        train_heads(tmp_path / 'stop', Steep(torch.float32), spoilt)


class Float16OnCPU(AmpOptimWrapper):
    """MMEngine's, which wants a GPU, with PyTorch's scaler for a CPU."""

    def __init__(self, optimizer, scale):
        OptimWrapper.__init__(self, optimizer)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=scale, backoff_factor=2.0**-120)
        self._scale_update_param, self.cast_dtype = None, torch.float16

    def optim_context(self, model):
        return torch.autocast('cpu', torch.float16)


@pytest.mark.parametrize('choice', ['stop', 'skip'])
def test_a_step_that_the_scaler_of_float16_leaves_out_is_no_fault(tmp_path, choice):
    model, scale = built(), 2.0**127
    before = [p.detach().clone() for p in model.parameters()]
    optim = Float16OnCPU(torch.optim.SGD(model.parameters(), lr=0.1), scale)
    runner = train(tmp_path, model, optim=optim, on_non_finite=choice)
    assert optim.loss_scaler.get_scale() < scale  # a gradient was infinite
    assert hook_of(runner).skipped == 0
    assert not list(tmp_path.glob('non_finite*'))
    assert finite(model)
    assert not all(map(torch.equal, before, model.parameters()))


def test_a_loss_that_is_not_finite_in_float16_is_a_fault(tmp_path):
    model = built(spoil=True)
    optim = Float16OnCPU(torch.optim.SGD(model.parameters(), lr=0.1), 64.0)
    with pytest.raises(UserError, match='iteration 4: loss_root=nan'):
        train(tmp_path, model, [4], optim=optim)
    assert all(p.isfinite().all() for p in model.parameters())
