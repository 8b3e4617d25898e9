"""A loss that is not finite stops the training with good weights."""

import copy
import gc
import pickle
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmvisx.engine.hooks.check_finite_loss import CheckFiniteLossHook, non_finite_terms
from mmvisx.utils import UserError


class Model(BaseModel):
    """A weight whose loss turns bad at a given iteration."""

    def __init__(self, bad_at, value=float('nan')):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))
        self.bad_at, self.value, self.count = bad_at, value, 0

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.count += 1
        bad = self.value if self.count == self.bad_at else 1.0
        return {
            'loss_cls': self.weight.sum(),
            'loss_bbox': [self.weight.sum(), self.weight.sum() * bad],
            'acc': self.weight.sum(),
        }


def train(tmp_path, model, interval=1, iterations=6, save=2, hooks=()):
    runner = Runner(
        model,
        str(tmp_path),
        train_dataloader=dict(
            batch_size=1,
            dataset=[{'inputs': torch.zeros(1)}] * 8,  # a second pass would begin with a pause
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=iterations),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=save, by_epoch=False)),
        custom_hooks=[dict(type='mmvisx.CheckFiniteLossHook', interval=interval), *hooks],
        experiment_name=f'{tmp_path.name}{interval}{iterations}',
        log_level='ERROR',
    )
    runner.train()
    return runner


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_stops_before_the_weights_are_touched(tmp_path, value):
    model = Model(4, value)
    expected = Model(0)
    train(tmp_path / 'good', expected, iterations=3)
    with pytest.raises(UserError) as caught:
        train(tmp_path / 'bad', model)
    message = str(caught.value)
    assert f'loss_bbox[1]={value}' in message
    assert 'loss_cls' not in message
    assert 'iteration 4' in message
    assert 'optim_wrapper.optimizer.lr (now 0.1)' in message
    assert 'iter_2.pth' in message
    assert torch.equal(model.weight, expected.weight)
    kept = torch.load(tmp_path / 'bad' / 'iter_2.pth', weights_only=False)
    assert torch.isfinite(kept['state_dict']['weight']).all()


def test_no_checkpoint_with_bad_weights_between_two_checks(tmp_path):
    with pytest.raises(UserError, match='weight weight=not finite'):
        train(tmp_path, Model(3), interval=100)
    assert (tmp_path / 'iter_2.pth').is_file()
    assert not (tmp_path / 'iter_4.pth').exists()


def test_a_healthy_run_ends_and_leaves_the_model_as_it_was(tmp_path):
    runner = train(tmp_path, Model(0))
    assert runner.iter == 6
    assert 'parse_losses' not in vars(runner.model)
    assert not runner.model._forward_hooks
    assert not runner.model._forward_pre_hooks
    assert type(runner.optim_wrapper) is OptimWrapper
    assert not list(tmp_path.glob('non_finite*'))


class Copies(Hook):
    """Copies and pickles the model in the middle of a training."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 2:
            self.models = [copy.deepcopy(runner.model), pickle.loads(pickle.dumps(runner.model))]


def test_a_model_in_training_is_copied_and_pickled_and_its_copies_are_not_checked(tmp_path):
    copies = Copies()
    model = Model(5)
    with pytest.raises(UserError, match='iteration 5'):
        train(tmp_path, model, hooks=[copies])
    for other in copies.models:
        other.bad_at = other.count + 1
        assert not torch.isfinite(other(torch.zeros(1), mode='loss')['loss_bbox'][1])


class OwnStep(Model):
    """Knows no ``parse_losses``: makes its losses and goes down them by itself."""

    parse_losses = None

    def train_step(self, data, optim_wrapper):
        losses = self(**self.data_preprocessor(data, True), mode='loss')
        total = losses['loss_cls'] + sum(losses['loss_bbox'])
        optim_wrapper.update_params(total)
        return dict(loss=total.detach())


def test_a_model_without_parse_losses(tmp_path):
    model, expected = OwnStep(4), OwnStep(0)
    train(tmp_path / 'good', expected, iterations=3)
    with pytest.raises(UserError, match=r'loss_bbox\[1\]=nan'):
        train(tmp_path / 'bad', model)
    assert torch.equal(model.weight, expected.weight)


def test_distributed(tmp_path):
    """The names of the terms come out of the network inside MMEngine's wrapper."""
    store = dist.FileStore(str(tmp_path / 'store'), 1)
    dist.init_process_group('gloo', store=store, rank=0, world_size=1)
    try:
        model = Model(2)
        wrapped = MMDistributedDataParallel(model)
        optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
        runner = SimpleNamespace(
            model=wrapped, iter=0, epoch=0, optim_wrapper=optim, work_dir=str(tmp_path),
            max_iters=2, max_epochs=1, cfg=Config(), hooks=[],
        )  # fmt: skip
        hook = CheckFiniteLossHook()
        hook.before_train(runner)
        wrapped.train_step(dict(inputs=torch.zeros(1)), optim)
        before = model.weight.detach().clone()
        with pytest.raises(UserError, match=r'loss_bbox\[1\]=nan'):
            wrapped.train_step(dict(inputs=torch.zeros(1)), optim)
        assert torch.equal(model.weight, before)
    finally:
        del wrapped
        gc.collect()  # a model under DDP that is alive may block what follows for ever
        dist.destroy_process_group()


class HandsOver(Hook):
    """In the place of a loop that makes its losses without the model's forward."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        value = float('inf') if runner.iter == 3 else 1.0
        runner.call_hook('after_losses', losses={'likelihood': torch.tensor(value)})


def test_losses_that_a_loop_hands_over(tmp_path):
    with pytest.raises(UserError, match='iteration 4: likelihood=inf'):
        train(tmp_path, Model(0), hooks=[HandsOver()])


def test_terms():
    losses = {'a': torch.tensor(1.0), 'b': [torch.tensor(float('nan'))], 'c': torch.ones(3)}
    assert non_finite_terms(losses) == {'b': 'nan'}
    assert non_finite_terms({'a': torch.tensor(1.0)}) == {}
    assert non_finite_terms({}) == {}


def test_wrong_interval():
    with pytest.raises(ValueError, match='interval=0'):
        CheckFiniteLossHook(0)
