"""A slimmed network's checkpoint goes wherever any other goes, without the hook that wrote it."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvisx.apis import ClassificationInferencer
from mmvisx.apis.build import build_model
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.surgery.neural_rejuvenation import slim
from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import load_weights, read_checkpoint

SHAPE = (3, 16, 16)
X = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope='module')
def config(repo, tmp_path_factory):
    """The tiny classifier on images of noise in three classes; it has no hook."""
    folder = tmp_path_factory.mktemp('slimmed')
    random = np.random.default_rng(0)
    for split in ('train', 'test'):
        for name in 'abc':
            place = folder / 'data' / split / name
            place.mkdir(parents=True)
            for index in range(2):
                picture = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                cv2.imwrite(str(place / f'{index}.png'), picture)
    cfg = Config.fromfile(repo / 'tests' / 'data' / 'tiny_classifier.py')
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = str(folder / 'data')
    cfg.data_root = str(folder / 'data')
    cfg.model.backbone = dict(type='mmvisx.ConvVGG', depth=11, base_channels=4, pool_after=(2, 5))
    cfg.model.head.update(in_channels=32)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1)
    cfg.dump(folder / 'tiny.py')
    return folder / 'tiny.py'


@pytest.fixture(scope='module')
def slimmed(config):
    """Network and checkpoint, as ``NetworkSlimmingHook`` has written it from the start."""
    torch.manual_seed(0)
    model = build_model(prepare_config(config))
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        torch.nn.init.uniform_(norm.weight, 0.1, 1)
    history = slim(model, torch.zeros(1, *SHAPE), 0.5)
    path = config.with_name('slimmed.pth')
    entry = dict(history=history, shape=SHAPE)
    torch.save(dict(state_dict=model.state_dict(), meta={}, network_slimming=entry), path)
    return model.eval(), path


def scores(model):
    with torch.no_grad():
        return model.eval()(X, None, mode='tensor')


def test_plain_loading_gives_the_slimmed_network(config, slimmed):
    expected, path = slimmed
    fresh = build_model(prepare_config(config))
    before = sum(p.numel() for p in fresh.parameters())
    fresh.train()
    with torch.no_grad():  # as whoever only wants to test does
        assert load_weights(fresh, read_checkpoint(path), path).exact
    assert fresh.training
    assert torch.equal(scores(fresh), scores(expected))
    assert sum(p.numel() for p in fresh.parameters()) < 0.6 * before
    # A second checkpoint of the same network finds it slimmed.
    kept = list(fresh.parameters())
    assert load_weights(fresh, read_checkpoint(path), path).exact
    assert all(a is b for a, b in zip(kept, fresh.parameters(), strict=True))


def test_tools_take_it(config, slimmed, tmp_path, tool, capsys):
    expected, path = slimmed
    tool('tools/test.py', config, path, '--work-dir', tmp_path)
    arguments = ('--shape', 32, 32)
    counts = []
    for more in ((), ('--checkpoint', path)):
        capsys.readouterr()
        tool('tools/analysis/get_flops.py', config, *arguments, *more)
        (row,) = [li for li in capsys.readouterr().out.splitlines() if li.startswith('all ')]
        counts.append(float(row.split()[1]))
    own = sum(p.numel() for p in expected.parameters()) / 1e6
    assert counts[1] == pytest.approx(own, abs=6e-4)
    assert counts[1] < 0.6 * counts[0]
    inferencer = ClassificationInferencer(config, path, device='cpu')
    assert torch.equal(scores(inferencer.model), scores(expected))


def test_training_goes_on_and_its_checkpoints_load_as_well(config, slimmed, tmp_path):
    """With an average of the weights, and without a hook that knows what slimming is."""
    expected, path = slimmed
    cfg = prepare_config(config, tmp_path)
    cfg.load_from = str(path)
    cfg.custom_hooks = [dict(type='EMAHook')]
    runner = build_runner(cfg)
    runner.train()
    shapes = [p.shape for p in expected.parameters()]
    average = next(hook.ema_model for hook in runner.hooks if hasattr(hook, 'ema_model'))
    assert [p.shape for p in average.module.parameters()] == shapes
    held = {id(p) for group in runner.optim_wrapper.param_groups for p in group['params']}
    assert {id(p) for p in runner.model.parameters()} <= held
    saved = tmp_path / 'epoch_1.pth'
    again = build_model(prepare_config(config), saved)
    assert [p.shape for p in again.parameters()] == shapes
    assert not any(p.requires_grad for p in average.module.parameters())
    assert not torch.equal(scores(again), scores(expected))
    # And is resumed, which needs the optimizer's state for every parameter.
    cfg = prepare_config(config, tmp_path / 'more')
    cfg.resume, cfg.load_from, cfg.train_cfg.max_epochs = True, str(saved), 2
    cfg.custom_hooks = [dict(type='EMAHook')]
    resumed = build_runner(cfg)
    resumed.train()
    assert resumed.epoch == 2
    for parameter, state in resumed.optim_wrapper.optimizer.state.items():
        assert state['momentum_buffer'].shape == parameter.shape


def test_network_of_another_config_is_refused(config, slimmed):
    _, path = slimmed
    cfg = prepare_config(config)
    cfg.model.backbone = dict(type='mmvisx.CifarResNet', base_channels=4, stem_channels=4)
    cfg.model.head.in_channels = 16
    with pytest.raises(UserError, match=r"slimmed network with a layer 'backbone\..*not have"):
        build_model(cfg, path)
