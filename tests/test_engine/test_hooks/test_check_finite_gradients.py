"""A gradient that is not finite, left out or stopped at, with all that is known of the step."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmvisx.engine.hooks.check_finite_loss import MOST_IN_A_ROW, CheckFiniteLossHook
from mmvisx.engine.non_finite import bad_gradients
from mmvisx.utils import UserError
from tests.helpers.loggers import forget_loggers
from tests.helpers.processes import run_two

BAD = 7.0  # in the inputs of a batch that is to go wrong


class Root(BaseModel):
    """Batch statistics, random numbers of three kinds, and a root whose slope at 0 is infinite."""

    def __init__(self, spoil=False):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 1)
        self.spoil = spoil

    def forward(self, inputs, data_samples=None, mode='tensor'):
        bad = bool((inputs == BAD).any())
        if bad and self.spoil:
            inputs = inputs * torch.nan
        noise = random.random() + np.random.rand()
        features = self.first(self.drop(self.norm(inputs))) + noise
        root = (self.last(features) * (0.0 if bad else 1.0)).square().sum().sqrt()
        return dict(loss_root=root, loss_other=features.square().mean())


def train(folder, model, bad=(), iterations=6, optim=None, hooks=(), **kwargs):
    forget_loggers()
    inputs = torch.randn(96, 3, generator=torch.Generator().manual_seed(0))
    for iteration in bad:
        inputs[4 * (iteration - 1)] = BAD
    runner = Runner(
        model,
        str(folder),
        train_dataloader=dict(
            batch_size=4,
            dataset=[dict(inputs=row) for row in inputs],
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=iterations),
        optim_wrapper=optim or dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=50, by_epoch=False)),
        custom_hooks=[
            dict(type='mmvisx.RandomStateHook'), dict(type='mmvisx.CheckFiniteLossHook', **kwargs),
            *hooks,
        ],
        randomness=dict(seed=1),
        experiment_name=folder.name,
    )  # fmt: skip
    runner.train()
    return runner


def built(*args, **kwargs):
    torch.manual_seed(0)
    return Root(*args, **kwargs)


@pytest.mark.parametrize('clip', [None, dict(max_norm=1.0)])
def test_a_bad_gradient_of_a_finite_loss_stops_before_the_step(tmp_path, clip):
    optim = dict(optimizer=dict(type='SGD', lr=0.1), clip_grad=clip)
    expected, model = built(), built()
    train(tmp_path / 'good', expected, iterations=3, optim=optim)
    with pytest.raises(UserError) as caught:
        train(tmp_path / 'bad', model, [4], optim=optim)
    message = str(caught.value)
    assert '\n' not in message
    assert 'iteration 4: gradients not finite: norm.weight, norm.bias, first.weight' in message
    assert 'lr (now 0.1)' in message
    assert 'mmvisx replay' in message
    for ours, theirs in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_first_layer_with_a_bad_output_is_named(tmp_path):
    class Overflow(Root):
        def forward(self, inputs, data_samples=None, mode='tensor'):
            if (inputs == BAD).any():
                self.first.weight.data.fill_(3e38)
            return super().forward(inputs, data_samples, mode)

    torch.manual_seed(0)
    with pytest.raises(UserError, match=r'iteration 2: loss_.*First layer .* output: first\. '):
        train(tmp_path, Overflow(), [2])


class Keeps(Hook):
    """Keep weights, running statistics and momentum after every iteration."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.kept = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        momentum = runner.optim_wrapper.optimizer.state_dict()['state']
        values = [*runner.model.state_dict().values()]
        values += [state['momentum_buffer'] for state in momentum.values()]
        self.kept.append([value.clone() for value in values])


def test_a_step_that_is_left_out_leaves_everything_as_it_was(tmp_path):
    """Weights, momentum and running statistics, though a NaN went through the normalisation."""
    keeps, model = Keeps(), built(spoil=True)
    runner = train(tmp_path, model, [3, 5], hooks=[keeps], on_non_finite='skip')
    same = [all(map(torch.equal, *pair)) for pair in pairwise(keeps.kept)]
    assert same == [False, True, False, True, False]
    assert all(torch.isfinite(value).all() for value in keeps.kept[-1])
    hook = next(h for h in runner.hooks if isinstance(h, CheckFiniteLossHook))
    assert hook.skipped == 2
    text = next(tmp_path.rglob('*.log')).read_text()
    assert '(1 in all, 1 in a row)' in text
    assert '(2 in all, 1 in a row)' in text
    assert len(list(tmp_path.glob('non_finite_iter_*.pth'))) == 2


def test_ten_in_a_row_are_left_out_and_no_more(tmp_path):
    count = MOST_IN_A_ROW
    train(tmp_path / 'ten', built(), range(3, 3 + count), 3 + count, on_non_finite='skip')
    with pytest.raises(UserError, match=f'{count + 1} steps in a row'):
        train(tmp_path / 'more', built(), range(3, 4 + count), 6 + count, on_non_finite='skip')


def test_the_step_is_saved_as_plain_data(tmp_path):
    with pytest.raises(UserError):
        train(tmp_path, built(), [4])
    content = torch.load(tmp_path / 'non_finite_iter_4.pth', weights_only=True)
    step = content['non_finite_step']
    assert step['progress']['iter'] == 3
    assert step['losses']['items'][0][0] == 'loss_root'
    assert content['state_dict'].keys() == built().state_dict().keys()


def test_a_norm_that_overflows_is_no_fault():
    parameter = nn.Parameter(torch.zeros(4))
    parameter.grad = torch.full((4,), 3e38)
    assert bad_gradients([('weight', parameter)]) == []
    parameter.grad[2] = torch.inf
    assert bad_gradients([('weight', parameter), ('none', nn.Parameter(torch.ones(1)))]) == [
        'weight'
    ]
    assert bad_gradients([]) == []


def test_wrong_choice():
    with pytest.raises(ValueError, match="on_non_finite='ignore'"):
        CheckFiniteLossHook(on_non_finite='ignore')


def test_a_normal_training_is_the_same_with_and_without(tmp_path):
    plain, checked = built(), built()
    train(tmp_path / 'plain', plain, interval=1000)
    train(tmp_path / 'checked', checked, on_non_finite='skip')
    for ours, theirs in zip(checked.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_both_processes_leave_out_the_step_of_one(tmp_path):
    run_two(Path(__file__).parents[2] / 'helpers' / 'non_finite_in_one.py', tmp_path, timeout=120)
    first, second = ((tmp_path / f'{rank}.txt').read_text().splitlines() for rank in range(2))
    assert first[0] == second[0] == 'skipped 1'
    assert first[1] == second[1]  # the weights
    assert 'loss_root' in first[2] + second[2]
    assert 'stopped' in first[3]
    assert 'stopped' in second[3]
