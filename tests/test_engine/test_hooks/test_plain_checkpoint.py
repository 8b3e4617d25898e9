"""Checkpoints hold plain data only, and give back what they were made of."""

import argparse
import collections
import enum
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from mmvisx.engine.hooks.plain_checkpoint import PlainCheckpointHook
from mmvisx.engine.runner import CheckedRunner
from tests.helpers.asynchronous_two_heads import TwoHeads, batches, wrapper
from tests.helpers.loggers import forget_loggers


class Side(enum.IntEnum):
    LEFT = 1


def saved_and_loaded(content, path):
    """What comes back through the hook and PyTorch's reader, and what the log says."""
    lines = []
    runner = SimpleNamespace(logger=SimpleNamespace(warning=lines.append))
    hook, checkpoint = PlainCheckpointHook(), dict(content)
    hook.before_save_checkpoint(runner, checkpoint)
    torch.save(checkpoint, path)
    if not lines:
        checkpoint = torch.load(path, weights_only=True)
        hook.after_load_checkpoint(runner, checkpoint)
    return checkpoint, lines


def test_histories_come_back_exactly(tmp_path):
    buffer, random = HistoryBuffer(max_length=50), np.random.default_rng(0)
    for value in random.normal(size=70):
        buffer.update(float(value), 3)
    hub = dict(log_scalars={'train/loss': buffer}, runtime_info={}, resumed_keys={})
    found, _ = saved_and_loaded(dict(message_hub=hub), tmp_path / 'x.pth')
    other = found['message_hub']['log_scalars']['train/loss']
    assert other.max_length == 50
    for one, two in zip(buffer.data, other.data, strict=True):
        assert one.dtype == two.dtype
        assert np.array_equal(one, two)
    other.update(1.5, 1)
    assert other.mean(1) == 1.5


def test_values_of_libraries_become_plain(tmp_path):
    weights = torch.nn.BatchNorm2d(2).state_dict()
    content = dict(
        state_dict=weights,
        meta=dict(
            cfg=ConfigDict(a=dict(b=[ConfigDict(c=1)])),
            best=np.float32(0.5),
            count=np.int64(3),
            right=np.bool_(True),
            name=np.str_('x'),
            side=Side.LEFT,
            where=Path('a') / 'b',
            palette=np.array([[1, 2]]),
            pair=collections.namedtuple('Pair', 'a b')(1, np.float64(2)),
            table=collections.defaultdict(list, x=[1]),
        ),
        optimizer=dict(state={0: dict(step=torch.tensor(1.0))}, param_groups=[dict(params=[0])]),
    )
    found, lines = saved_and_loaded(content, tmp_path / 'x.pth')
    assert lines == []
    assert found['meta'] == dict(
        cfg=dict(a=dict(b=[dict(c=1)])), best=0.5, count=3, right=True, name='x', side=1,
        where='a/b', palette=[[1, 2]], pair=(1, 2.0), table=dict(x=[1]),
    )  # fmt: skip
    assert found['state_dict']._metadata == weights._metadata
    assert found['optimizer'] == content['optimizer']
    assert isinstance(content['meta']['best'], np.float32)  # the run's own values stay


def test_no_tensor_is_copied():
    weights = torch.nn.Linear(2, 2).state_dict()
    checkpoint = dict(state_dict=weights)
    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    for key, value in weights.items():
        assert checkpoint['state_dict'][key] is value


def test_what_is_not_plain_is_named(tmp_path):
    content = dict(meta=dict(args=[argparse.Namespace(a=1)]))
    _, lines = saved_and_loaded(content, tmp_path / 'x.pth')
    assert len(lines) == 1
    assert 'meta.args.0 is a argparse.Namespace' in lines[0]


def test_the_text_that_mmengine_would_evaluate_is_dropped():
    checkpoint = dict(meta=dict(config='import os', epoch=1), message_hub={})
    PlainCheckpointHook().after_load_checkpoint(None, checkpoint)
    assert checkpoint['meta'] == dict(epoch=1)


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_a_checkpoint_of_mixed_precision_needs_no_trust(tmp_path, dtype):
    """Of a training with waiting gradients and, in float16, a scaler's state."""
    forget_loggers()
    model = TwoHeads(torch.float32)
    runner = CheckedRunner(
        model,
        str(tmp_path),
        train_dataloader=dict(
            batch_size=1,
            dataset=batches(3, 4, dtype=torch.float32),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type=itemgetter(0)),
        ),
        train_cfg=dict(by_epoch=False, max_iters=3),
        optim_wrapper=wrapper(model, trunk_images=7, dtype=dtype, loss_scale=64.0),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=3, by_epoch=False)),
        experiment_name=f'{tmp_path.name}{dtype}',
    )
    runner.train()
    found = torch.load(tmp_path / 'iter_3.pth', weights_only=True)['optimizer']
    assert ('loss_scaler' in found) == (dtype == 'float16')
    assert found['asynchronous']['counts'] == runner.optim_wrapper.counts
