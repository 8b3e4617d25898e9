"""A rejuvenated classifier from its training to a plain network."""

import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmvisx.apis.build import build_model
from mmvisx.apis.export.neural_rejuvenation import export_rejuvenated, plain_network
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.surgery.neural_rejuvenation import ChannelGraph, silence, utilization
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.errors import UserError
from tests.helpers.neural_rejuvenation_nets import norms_of, relative, wither
from tests.helpers.neural_rejuvenation_training import WitherHook

PATIENCE = 300  # seconds
X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope='module')
def config(repo, tmp_path_factory):
    """The tiny classifier on images of noise in three classes, with two heads and the hook."""
    folder = tmp_path_factory.mktemp('rejuvenated')
    random = np.random.default_rng(0)
    for split in ('train', 'test'):
        for name in 'abc':
            place = folder / 'data' / split / name
            place.mkdir(parents=True)
            for index in range(4):
                picture = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                cv2.imwrite(str(place / f'{index}.png'), picture)
    cfg = Config.fromfile(repo / 'tests' / 'data' / 'tiny_classifier.py')
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = str(folder / 'data')
    cfg.data_root = str(folder / 'data')
    cfg.model.backbone = dict(type='mmvisx.ConvVGG', depth=11, base_channels=4, pool_after=(2, 5))
    cfg.model.head.update(type='mmvisx.TwoHeadLinearClsHead', in_channels=32)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2, val_interval=1)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1)
    cfg.custom_hooks = [
        dict(
            type='mmvisx.NeuralRejuvenationHook',
            fixed_lambda=1e-3,
            variant='NR-CR',
            two_heads=True,
        )
    ]
    cfg.dump(folder / 'tiny.py')
    return folder / 'tiny.py'


@pytest.fixture(scope='module')
def checkpoint(config, tmp_path_factory):
    """Checkpoint of a training with one rejuvenation; some neurons are dead again."""
    folder = tmp_path_factory.mktemp('work')
    cfg = prepare_config(config, folder)
    runner = build_runner(cfg)
    runner.register_hook(WitherHook((3,)))  # the second of two epochs of three iterations
    runner.train()
    path = folder / 'epoch_3.pth'
    content = torch.load(path, weights_only=True)
    wither(runner.model, share=0.2)
    graph = ChannelGraph.from_dict(content['neural_rejuvenation']['graph'])
    silence(runner.model, graph, utilization(runner.model, graph).alive)
    content['state_dict'] = runner.model.state_dict()
    torch.save(content, path)
    return path


def scores(model):
    with torch.no_grad():
        return model.eval()(X, None, mode='tensor')


def test_plain_network_equals_the_trained_one(config, checkpoint):
    cfg = prepare_config(config)
    model = build_model(cfg, checkpoint)
    assert model.head.rejuvenated is not None
    content = read_checkpoint(checkpoint)
    same, _ = plain_network(model, content, (3, 16, 16), keep_dead=True)
    assert relative(scores(same), scores(model)) < 1e-5
    plain, graph = plain_network(model, content, (3, 16, 16))
    old = ChannelGraph.from_dict(content['neural_rejuvenation']['graph'])
    silence(model, old, utilization(model, old).alive)
    assert relative(scores(plain), scores(model)) < 1e-5
    convolutions = [m for m in plain.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 8
    assert all(type(m) is nn.Conv2d for m in convolutions)
    assert not any('blocks' in name for name, _ in plain.named_modules())
    assert sum(group.width for group in graph.groups) < sum(group.width for group in old.groups)


def test_exported_checkpoint_needs_no_hook(config, checkpoint, tmp_path, tool, capsys):
    cfg = prepare_config(config)
    cfg.custom_hooks = []
    out = tmp_path / 'plain.pth'
    found = export_rejuvenated(cfg, checkpoint, out, (3, 16, 16))
    assert found['difference'] < 1e-5
    loaded = build_model(cfg, out)
    assert torch.equal(scores(loaded), scores(found['plain']))
    program = tmp_path / 'plain.pt2'
    arguments = ['--out', tmp_path / 'b.pth', '--shape', 3, 16, 16, '--program', program]
    tool('tools/model_converters/export_rejuvenated.py', config, checkpoint, *arguments)
    assert f'{found["weights"]:,} of {found["weights_before"]:,}' in capsys.readouterr().out
    (result,) = torch.export.load(program).module()(X)
    assert relative(result, scores(loaded)) < 1e-5
    # tools/test.py builds either of them.
    for path in (checkpoint, out):
        tool('tools/test.py', config, path, '--work-dir', tmp_path / 'test')
    with pytest.raises(UserError, match=r'must end in \.pth'):
        export_rejuvenated(cfg, checkpoint, tmp_path / 'plain.onnx')


def test_any_network_loses_its_dead_channels(config, tmp_path):
    cfg = prepare_config(config)
    model = build_model(cfg)
    for norm in norms_of(model):
        norm.weight.data[::3] = 0
        norm.bias.data[::3] = 0
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'pruned.pth')
    found = export_rejuvenated(cfg, tmp_path / 'pruned.pth', tmp_path / 'small.pth', (3, 16, 16))
    assert found['difference'] < 1e-5
    assert found['weights'] < 0.6 * found['weights_before']


@pytest.mark.slow
@pytest.mark.parametrize('moment', ['during', 'after'])
def test_killed_training_goes_on_from_its_checkpoint(repo, config, tmp_path, moment):
    """``during``: in the middle of the rejuvenation; ``after``: one iteration later."""
    cfg = Config.fromfile(config)
    cfg.custom_imports = dict(imports=['neural_rejuvenation_training', 'killer'])
    cfg.custom_hooks.append(dict(type='SlowWitherHook', iterations=(3,)))
    cfg.default_hooks.logger.interval = 1
    cfg.randomness = dict(seed=5)
    cfg.dump(tmp_path / 'tiny.py')
    (tmp_path / 'killer.py').write_text(KILLER)
    broken, whole = tmp_path / 'broken', tmp_path / 'whole'

    def start(work_dir, *arguments, pause=''):
        work_dir.mkdir(exist_ok=True)
        with open(work_dir / 'output.txt', 'a') as output:
            return subprocess.Popen(
                [
                    *(sys.executable, 'tools/train.py', tmp_path / 'tiny.py'),
                    *('--work-dir', work_dir, *arguments),
                ],
                cwd=repo,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    'OMP_NUM_THREADS': '1',
                    'PYTHONPATH': f'{repo}:{tmp_path}:{repo}/tests/helpers',
                    'PAUSE': pause,
                },
            )

    process = start(broken, pause=moment)
    deadline = time.monotonic() + PATIENCE
    while 'PAUSED' not in (broken / 'output.txt').read_text():
        assert process.poll() is None, (broken / 'output.txt').read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=PATIENCE) == -signal.SIGKILL
    assert (broken / 'last_checkpoint').read_text().endswith('epoch_1.pth')
    ends = []
    for folder, arguments in ((broken, ['--resume']), (whole, [])):
        assert start(folder, *arguments).wait(timeout=PATIENCE) == 0, folder
        ends.append(torch.load(folder / 'epoch_3.pth', weights_only=True))
    ours, expected = ends
    assert ours['neural_rejuvenation'] == expected['neural_rejuvenation']
    assert ours['neural_rejuvenation']['state']['count'] == 1
    for name, value in expected['state_dict'].items():
        assert torch.equal(value, ours['state_dict'][name]), name


KILLER = """
import os, time
from mmengine.registry import HOOKS
from mmvisx.surgery.neural_rejuvenation import rebuild
from neural_rejuvenation_training import WitherHook


def pause():
    print('PAUSED', flush=True)
    time.sleep(600)


@HOOKS.register_module()
class SlowWitherHook(WitherHook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if os.environ['PAUSE'] == 'after' and runner.iter == 3:
            pause()


if os.environ['PAUSE'] == 'during':
    original = rebuild._set_norm
    calls = []

    def slow(*args):
        original(*args)
        calls.append(args)
        if len(calls) == 3:  # of eight
            pause()

    rebuild._set_norm = slow
"""
