"""The recipes of GUNN: the document's networks, schedules and numbers; FCN trains."""

import math
import re

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope, init_default_scope
from PIL import Image
from torch import nn

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.apis.series import load_series
from mmvisx.models.layers import GraduallyUpdated
from mmvisx.registry import MODELS, PARAM_SCHEDULERS

# Errors of Tables 4-III to 4-V and parameters of 4.5.2 and 4.5.3.
TABLES = {
    'gunn15_300e_cifar10': (4.15, 1_585_746),
    'gunn15_300e_cifar100': (20.45, 1_618_236),
    'gunn24_300e_cifar10': (3.21, 29_534_106),
    'gunn24_300e_cifar100': (16.69, 29_631_396),
    'gunn24_snapshot_300e_cifar10': (3.02, 29_534_106),
    'gunn24_snapshot_300e_cifar100': (15.61, 29_631_396),
    'gunn15_no_res_300e_cifar10': (4.45, 1_585_746),
    'gunn15_no_res_300e_cifar100': (21.15, 1_618_236),
    'sunn15_300e_cifar10': (5.64, 1_585_746),
    'sunn15_300e_cifar100': (23.75, 1_618_236),
    'sunn24_300e_cifar10': (3.88, 29_534_106),
    'sunn24_300e_cifar100': (19.60, 29_631_396),
    'gunn18_90e_imagenet': (21.65, 28_909_736),
    'sunn18_90e_imagenet': (26.16, 28_909_736),
    'wide_gunn18_90e_imagenet': (20.59, 45_624_936),
}
CIFAR = [name for name in TABLES if 'cifar' in name]
SNAPSHOTS = [name for name in TABLES if 'snapshot' in name]


@pytest.fixture
def load(repo):
    """Read a recipe by name."""
    return lambda name: Config.fromfile(repo / f'configs/gunn/{name}.py')


def build(cfg):
    """Build a model without weights."""
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device('meta'):
        return MODELS.build(cfg.model)


@pytest.mark.parametrize('name', TABLES)
def test_networks_of_the_tables(name, load, repo):
    error, parameters = TABLES[name]
    text = (repo / f'configs/gunn/{name}.py').read_text()
    assert re.search(rf'Expected: {error:.2f} %', text)
    assert f'accuracy/top1 {100 - error:.2f}' in text.replace('\n# ', ' ')
    model = build(load(name))
    assert sum(p.numel() for p in model.parameters()) == parameters
    layers = [m for m in model.modules() if isinstance(m, GraduallyUpdated)]
    assert len(layers) == (4 if 'imagenet' in name else 3)
    assert {m.mode for m in layers} == {'simultaneous' if 'sunn' in name else 'gradual'}
    assert {m.residual for m in layers} == {'no_res' not in name}


@pytest.mark.parametrize('name', CIFAR)
def test_cifar(name, load):
    cfg = load(name)
    classes = 100 if name.endswith('cifar100') else 10
    assert cfg.model.head.num_classes == cfg.model.data_preprocessor.num_classes == classes
    for loader, split in ((cfg.train_dataloader, 'train'), (cfg.test_dataloader, 'test')):
        dataset = loader.dataset
        assert (dataset.type, dataset.split) == (f'CIFAR{classes}', split)
        assert dataset.data_root == f'data/cifar{classes}/'
    assert cfg.train_cfg.max_epochs == 300
    assert 4 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 64
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4
    )
    if name not in SNAPSHOTS:
        (steps,) = cfg.param_scheduler
        assert (steps.milestones, steps.gamma, steps.by_epoch) == ([150, 225], 0.1, True)


@pytest.mark.parametrize('name', ['gunn15_300e_cifar10', 'gunn15_300e_cifar100'])
def test_cifar_images_are_shifted_and_mirrored(name, load):
    """Both by known amounts, and what comes in from outside is about the mean."""
    cfg = load(name)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    plain = np.arange(32 * 32 * 3, dtype=np.float32).reshape(32, 32, 3) + 1000
    seen = set()
    for _ in range(60):
        out = pipeline(dict(img=plain.copy()))['inputs'].permute(1, 2, 0).numpy()
        outside = np.abs(out - cfg.model.data_preprocessor.mean).max(2) < 0.51
        matches = [
            (dy, dx, flip)
            for flip in (False, True)
            for dy in range(-4, 5)
            for dx in range(-4, 5)
            if _is_shifted(out[:, ::-1] if flip else out, plain, dy, dx)
        ]
        assert len(matches) == 1
        dy, dx, _ = matches[0]
        assert outside.sum() == 32 * 32 - (32 - abs(dy)) * (32 - abs(dx))
        seen.add(matches[0])
    assert {dy for dy, _, _ in seen} >= {-4, 4} or len(seen) > 30
    assert {flip for _, _, flip in seen} == {False, True}


def _is_shifted(out, plain, dy, dx):
    inside = (slice(max(0, -dy), 32 - max(0, dy)), slice(max(0, -dx), 32 - max(0, dx)))
    source = (slice(max(0, dy), 32 + min(0, dy)), slice(max(0, dx), 32 + min(0, dx)))
    return np.array_equal(out[inside], plain[source])


@pytest.mark.parametrize('name', SNAPSHOTS)
def test_snapshot_cycles(name, load):
    """The rate of step ``t`` is ``lr / 2 (cos(pi (t mod T / M) / (T / M)) + 1)``, 6 times."""
    cfg = load(name)
    assert cfg.default_hooks.checkpoint.interval == 50
    assert cfg.default_hooks.checkpoint.max_keep_ckpts == -1
    (schedule,) = cfg.param_scheduler.copy()
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=cfg.optim_wrapper.optimizer.lr)
    length = 3
    scheduler = PARAM_SCHEDULERS.build(
        dict(schedule), default_args=dict(optimizer=optimizer, epoch_length=length)
    )
    cycle = 300 * length // 6
    for step in range(300 * length):
        expected = 0.1 / 2 * (math.cos(math.pi * (step % cycle) / cycle) + 1)
        assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, rel=1e-6), step
        optimizer.step()
        scheduler.step()


def test_imagenet_schedule(load):
    cfg = load('gunn18_90e_imagenet')
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 256
    assert (cfg.optim_wrapper.optimizer.lr, cfg.train_cfg.max_epochs) == (0.1, 90)
    assert cfg.param_scheduler[0].milestones == [30, 60]
    steps = {step.type: step for step in cfg.train_dataloader.dataset.pipeline}
    assert steps['RandomResizedCrop'].scale == 224
    assert steps['mmvisx.PCANoise'].std == 0.1
    jitter = steps['ColorJitter']
    assert jitter.brightness == jitter.contrast == jitter.saturation == 0.4
    assert [step.type for step in cfg.test_dataloader.dataset.pipeline][1:3] == [
        'ResizeEdge',
        'CenterCrop',
    ]
    image = np.random.default_rng(0).integers(0, 255, (250, 300, 3), np.uint8)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        out = Compose(cfg.train_dataloader.dataset.pipeline[1:])(dict(img=image))
    assert out['inputs'].shape == (3, 224, 224)


@pytest.mark.parametrize('name', ['faster_rcnn', 'htc', 'fcn'])
def test_pyramids(name, load):
    cfg = load(f'{name}_gunn18_fpn_' + ('ade20k' if name == 'fcn' else 'coco'))
    model = build(cfg)
    with torch.no_grad():
        maps = model.backbone(torch.empty(1, 3, 64, 96, device='meta'))
        levels = model.neck(maps)
    assert [m.shape[1:] for m in maps] == [
        (400, 16, 24),
        (800, 8, 12),
        (1600, 4, 6),
        (2000, 2, 3),
    ]
    assert [m.shape[1] for m in levels] == [256] * (4 if name == 'fcn' else 5)
    assert cfg.model.backbone.init_cfg.prefix == 'backbone.'


def test_nano_networks_have_the_same_parameters(load):
    models = [build(load(f'{n}_nano_cifar10')) for n in ('gunn15', 'sunn15', 'gunn15_no_res')]
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in models]
    assert shapes[0] == shapes[1] == shapes[2]
    assert sum(p.numel() for p in models[0].parameters()) == 136_050


@pytest.mark.parametrize('segments', [1, 2, 4, 8, 16])
def test_series_over_orderings_compares_equal_networks(segments, repo, tmp_path):
    """All kinds have the same weights; with 8 segments by hand, from Figure 4-4."""
    series = load_series(repo / 'configs/_series_/gunn_connectivity.py')
    rows = [row for row in series.rows if row.name.endswith(f'P = {segments}')]
    models = [
        MODELS.build(prepare_config(repo / row.config, tmp_path, dict(row.options)).model)
        for row in rows
    ]
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in models]
    assert all(shape == shapes[0] for shape in shapes)
    (layer,) = (m for m in models[0].modules() if isinstance(m, GraduallyUpdated))
    assert len(layer.units) == segments
    modes = {
        (m.mode, m.residual) for model in models for m in model.modules() if hasattr(m, 'units')
    }
    assert len(modes) == len(models) == (2 if segments == 1 else 3)
    if segments == 8:
        unit = 32 * 8 + 16 + 8 * 8 * 9 + 16 + 8 * 4 + 8 + 32 * 4 + 8
        around = (3 * 64 * 9 + 128) + (64 * 32 + 64) + (32 * 32 + 64) + (32 * 2 + 2)
        assert sum(p.numel() for p in models[0].parameters()) == 8 * unit + around == 13_442


def test_connectivity_trains_and_evaluates(repo, tmp_path):
    options = {
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 2,
        'train_dataloader.dataset.number': 128,
        'val_dataloader.dataset.number': 64,
    }
    path = repo / 'configs/gunn/gunn_nano_connectivity.py'
    runner = build_runner(prepare_config(path, tmp_path, options))
    runner.train()
    assert runner.iter == 2
    assert 0 <= runner.message_hub.get_scalar('val/accuracy/top1').current() <= 100


@pytest.fixture
def nano_fcn(repo, tmp_path):
    """The FCN for two small images of each split; the left half of an image is brighter."""
    random = np.random.default_rng(0)
    for split in ('train', 'val', 'test'):
        for folder in (split, f'{split}annot'):
            (tmp_path / folder).mkdir()
        for name in 'ab':
            picture = random.integers(0, 120, (180, 240, 3), np.uint8)
            picture[:, :120] += 120
            labels = np.full((180, 240), 3, np.uint8)
            labels[:, :120], labels[:9] = 0, 11
            Image.fromarray(picture).save(tmp_path / split / f'{name}.png')
            Image.fromarray(labels).save(tmp_path / f'{split}annot' / f'{name}.png')
    options = {
        'data_root': f'{tmp_path}/',
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 2,
        'default_hooks.checkpoint.interval': 2,
        'param_scheduler': [],
    }
    cfg = prepare_config(repo / 'configs/gunn/fcn_gunn_fpn_nano_camvid.py', tmp_path, options)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = f'{tmp_path}/'
    return cfg


def test_nano_fcn_trains_and_evaluates(nano_fcn, tmp_path):
    runner = build_runner(nano_fcn)
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 2
    assert (tmp_path / 'iter_2.pth').is_file()
    assert any(not torch.equal(before[k], v) for k, v in runner.model.state_dict().items())
    assert 0 <= runner.message_hub.get_scalar('val/mIoU').current() <= 100

    init_default_scope('mmseg')
    model = runner.model.train()
    batch = model.data_preprocessor(next(iter(runner.train_dataloader)), training=True)
    assert batch['inputs'].shape[-2:] == (160, 224)
    losses = model(**batch, mode='loss')
    model.zero_grad()
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert 0 <= runner.test()['mIoU'] <= 100
