"""The update-to-weight ratio by hand, in the log of a run, its warnings and the loss's limit."""

import json
import math

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmvisx.analysis.training_curves import read_curves
from mmvisx.engine.hooks import UpdateRatioHook
from mmvisx.engine.hooks.update_ratio import update_ratio
from mmvisx.utils import UserError


class Model(BaseModel):
    """Two layers whose losses are linear in their weights: every step is known."""

    def __init__(self, growth=()):
        super().__init__()
        self.first, self.second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
        for parameter in self.parameters():
            torch.nn.init.ones_(parameter)
        self.growth, self.count = list(growth), 0

    def forward(self, inputs, data_samples=None, mode='tensor'):
        factor = self.growth[self.count] if self.count < len(self.growth) else 1.0
        self.count += 1
        # Gradients 1 and 100 in every weight; the value is `factor` but for a constant.
        value = self.first.weight.sum() + 100 * self.second.weight.sum()
        return {'loss': value - value.detach() + factor}


@pytest.fixture
def warnings(monkeypatch):
    """The hook's warnings."""
    from mmengine.logging import MMLogger

    found = []

    def keep(self, text, *_):
        if text.startswith('iteration'):  # the runner has warnings of its own
            found.append(text)

    monkeypatch.setattr(MMLogger, 'warning', keep)
    return found


def train(tmp_path, model, iterations=4, optim=None, lr=1e-3, resume=False, **hook):
    runner = Runner(
        model,
        str(tmp_path),
        train_dataloader=dict(
            batch_size=1,
            dataset=[{'inputs': torch.zeros(1)}] * 2,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=iterations),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=lr), **(optim or {})),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False),
        ),
        custom_hooks=[dict(type='mmvisx.UpdateRatioHook', **hook)],
        visualizer=dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]),
        experiment_name=f'{tmp_path.name}{iterations}{resume}',
        log_processor=dict(by_epoch=False),
        resume=resume,
    )
    runner.train()
    return runner


def test_ratio_by_hand():
    before = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]
    after = [torch.tensor([3.0, 0.3]), torch.tensor([[4.4]])]
    assert update_ratio(before, after) == pytest.approx(0.5 / 5)
    assert math.isnan(update_ratio([torch.zeros(3)], [torch.ones(3)]))


def test_ratios_of_a_run(tmp_path, warnings):
    train(tmp_path, Model(), interval=2)
    curves = read_curves(tmp_path)
    assert curves['update_ratio.first'][0] == [2, 4]
    # One step of 0.001 from 0.999, the weight after the first; 0.1 from 0.9.
    assert curves['update_ratio.first'][1][0] == pytest.approx(0.001 / 0.999, rel=1e-3)
    assert curves['update_ratio.second'][1] == pytest.approx([0.1 / 0.9, 0.1 / 0.7], rel=1e-3)
    both = (0.001 / 0.999 + 0.1 / 0.9) / 2
    assert curves['update_ratio'][1][1] == pytest.approx(both, rel=1e-3)
    assert len(warnings) == 2
    assert 'outside 0.001 to 0.01: 1 above (highest second: 0.11), of 2' in warnings[0]


def test_groups_of_the_optimizer(tmp_path, warnings):
    optim = dict(paramwise_cfg=dict(custom_keys={'second': dict(lr_mult=0.1)}))
    train(tmp_path, Model(), iterations=1, optim=optim, interval=1, by='group')
    curves = read_curves(tmp_path)
    groups = {k: v[1][0] for k, v in curves.items() if k.startswith('update_ratio.')}
    # One group a parameter; the biases get no gradient.
    assert groups == pytest.approx(
        {f'update_ratio.group{i}': r for i, r in enumerate([0.001, 0, 0.01, 0])}, rel=1e-3
    )


def test_too_small_steps(tmp_path, warnings):
    train(tmp_path, Model(), iterations=1, lr=1e-6, interval=1)
    assert '2 below (lowest first: 1e-06), of 2' in warnings[0].replace('9.5e-07', '1e-06')


def test_no_step_no_ratio(tmp_path, warnings):
    train(tmp_path, Model(), optim=dict(accumulative_counts=2), interval=1)
    assert read_curves(tmp_path)['update_ratio.second'][0] == [2, 4]


def test_loss_above_three_times_its_start(tmp_path, warnings):
    train(tmp_path, Model([1.0, 2.9, 3.1, 3.5, 1.0, 4.0]), iterations=6, interval=100)
    assert [w[:14] for w in warnings] == ['iteration 3: t', 'iteration 6: t']
    assert 'the loss is 3.1, more than 3 times its start of 1' in warnings[0]


def test_stop(tmp_path, warnings):
    with pytest.raises(UserError, match=r'iteration 3: the loss is 3\.1.*optimizer\.lr'):
        train(tmp_path, Model([1.0, 2.9, 3.1]), interval=100, stop=True)


def test_resumed_run_compares_with_the_true_start(tmp_path, warnings):
    train(tmp_path, Model([1.0, 2.0]), iterations=2, interval=100)
    assert not warnings
    train(tmp_path, Model([2.9, 5.0]), iterations=4, resume=True, interval=100)
    assert len(warnings) == 1
    assert 'iteration 4: the loss is 5, more than 3 times its start of 1' in warnings[0]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(interval=0), 'interval=0'),
        (dict(by='module'), "by='module'"),
        (dict(healthy=(0.1, 0.01)), 'healthy='),
        (dict(loss_factor=1.0), r'loss_factor=1\.0'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        UpdateRatioHook(**arguments)


def test_scalars_file_stays_readable(tmp_path, warnings):
    train(tmp_path, Model(), iterations=2, interval=1)
    (file,) = tmp_path.glob('*/vis_data/scalars.json')
    for line in file.read_text().splitlines():
        record = json.loads(line)
        assert record['step'] == record['iter']
