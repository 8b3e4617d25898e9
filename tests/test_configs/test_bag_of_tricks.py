"""The recipes of 000, chapter 2: schedules step by step, what each trick changes, transfer."""

import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.models.backbones.resnet import Bottleneck
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmvisx.engine.runner import CheckedRunner
from mmvisx.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'bag_of_tricks'
TABLE_2_4 = ('linear_scaling', 'warmup', 'zero_gamma', 'no_bias_decay', 'fp16')
TABLE_2_6 = ('efficient', 'cosine', 'smooth', 'distill', 'mixup', 'mixup_distill')
NETWORKS = ('resnet50_d', 'inception_v3', 'mobilenet_v1')


def load(name):
    """Read a recipe."""
    return Config.fromfile(CONFIGS / f'{name}.py')


def build(cfg, device='meta', **backbone):
    """Build the model of a recipe, without loading weights."""
    cfg.model.backbone.update(backbone)
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device(device):
        return MODELS.build(cfg.model)


class Recorder(BaseModel):
    """A model that writes down the learning rate of every step."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.rates = []

    def forward(self, inputs, data_samples=None, mode='loss'):
        """Return a loss."""
        return dict(loss=self.weight.sum())

    def train_step(self, data, optim_wrapper):
        """Train, after a look at the rate."""
        self.rates += optim_wrapper.get_lr()['lr']
        return super().train_step(data, optim_wrapper)


def run_schedule(name, tmp_path, batches):
    """Train with a recipe's schedule, ``batches`` an epoch; return every step's rate."""
    cfg = load(name)
    recorder = Recorder()
    wrapper = cfg.optim_wrapper
    wrapper.type = 'OptimWrapper'
    wrapper.pop('loss_scale', None)
    runner = CheckedRunner(
        recorder,
        str(tmp_path),
        train_dataloader=dict(
            batch_size=1,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=[dict(inputs=torch.zeros(1)) for _ in range(batches)],
        ),
        train_cfg=dict(by_epoch=True, max_epochs=cfg.train_cfg.max_epochs),
        optim_wrapper=wrapper,
        param_scheduler=cfg.param_scheduler,
        default_scope='mmpretrain',
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1000, save_last=False),
            logger=dict(type='LoggerHook', interval=10000),
        ),
        log_level='ERROR',
    )
    runner.train()
    return recorder.rates


@pytest.mark.parametrize(
    ('name', 'epochs'), [('resnet50_d_cosine_imagenet', 120), ('resnet50_d_mixup_imagenet', 200)]
)
def test_cosine_is_equation_2_1_at_every_iteration(name, epochs, tmp_path):
    batches = 3
    rates = run_schedule(name, tmp_path, batches)
    eta, m = 0.4, 5 * batches
    total = epochs * batches - m  # T: the warm-up is ignored
    expected = [i * eta / m for i in range(1, m + 1)]
    expected += [0.5 * (1 + math.cos(t * math.pi / total)) * eta for t in range(total)]
    assert len(rates) == len(expected)
    # The last rates are small differences of large ones.
    assert rates == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_steps_count_from_the_end_of_the_warm_up(tmp_path):
    batches = 3
    rates = run_schedule('resnet50_d_efficient_imagenet', tmp_path, batches)
    m = 5 * batches
    expected = [i * 0.4 / m for i in range(1, m + 1)]
    for start, end, rate in ((5, 35, 0.4), (35, 65, 0.04), (65, 95, 4e-3), (95, 120, 4e-4)):
        expected += (end - start) * batches * [rate]
    assert rates == pytest.approx(expected, rel=1e-9)


def test_baseline_has_no_warm_up(tmp_path):
    rates = run_schedule('resnet50_a_linear_scaling_bs256_imagenet', tmp_path, 2)
    expected = [r for r in (0.1, 0.01, 1e-3, 1e-4) for _ in range(60)]
    assert rates == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize('batch', [256, 1024])
@pytest.mark.parametrize('row', range(5))
def test_table_2_4_adds_one_trick_a_row(row, batch):
    cfg = load(f'resnet50_a_{TABLE_2_4[row]}_bs{batch}_imagenet')
    wrapper = cfg.optim_wrapper
    assert wrapper.optimizer == dict(
        type='SGD', lr=0.1 * batch / 256, momentum=0.9, nesterov=True, weight_decay=1e-4
    )
    assert 8 * cfg.train_dataloader.batch_size == batch == cfg.auto_scale_lr.base_batch_size
    assert cfg.train_cfg.max_epochs == 120
    assert cfg.model.backbone.variant == 'a'
    assert cfg.model.type == 'ImageClassifier'
    assert (len(cfg.param_scheduler) == 2) == (row >= 1)
    assert cfg.model.backbone.zero_init_residual == (row >= 2)
    assert ('paramwise_cfg' in wrapper) == (row >= 3)
    assert (wrapper.type == 'AmpOptimWrapper') == (row >= 4)


@pytest.mark.parametrize('name', NETWORKS)
def test_without_bias_decay_only_weights_of_convolutions_and_linear_layers_decay(name):
    cfg = load(f'{name}_efficient_imagenet')
    model = build(cfg)
    weights = {
        f'{key}.weight'
        for key, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    }
    names = {id(p): key for key, p in model.named_parameters()}

    def decayed(cfg):
        cfg.type = 'OptimWrapper'
        cfg.pop('loss_scale', None)
        groups = build_optim_wrapper(model, cfg).optimizer.param_groups
        assert {names[id(p)] for g in groups for p in g['params']} == set(names.values())
        assert {g['weight_decay'] for g in groups} <= {0, 1e-4}
        return {names[id(p)] for g in groups if g['weight_decay'] for p in g['params']}

    assert decayed(cfg.optim_wrapper) == weights
    assert weights < set(names.values())
    # In the first row of Table 2.4 everything decays.
    everything = decayed(load('resnet50_a_linear_scaling_bs256_imagenet').optim_wrapper)
    assert everything == set(names.values())


@pytest.mark.parametrize('name', NETWORKS)
def test_weights_are_uniform_as_xavier_wants(name):
    model = build(load(f'{name}_efficient_imagenet'), 'cpu')
    model.init_weights()
    for key, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight = module.weight
            fans = nn.init._calculate_fan_in_and_fan_out(weight)
            limit = math.sqrt(6 / sum(fans))
            assert weight.abs().max() <= limit, key
            spread = weight.std() / (limit / 3**0.5)
            assert abs(spread - 1) < 5 / weight.numel() ** 0.5, key
            assert module.bias is None or not module.bias.any(), key
        elif isinstance(module, nn.BatchNorm2d):
            last = name == 'resnet50_d' and key.endswith('bn3')
            assert (module.weight == (0 if last else 1)).all(), key
            assert not module.bias.any(), key


def test_zero_gamma_of_table_2_4():
    for row, zero in (('warmup', False), ('zero_gamma', True)):
        cfg = load(f'resnet50_a_{row}_bs256_imagenet')
        model = build(cfg, 'cpu', base_channels=8, stem_channels=8)
        model.backbone.init_weights()
        gammas = [m.norm3.weight for m in model.modules() if isinstance(m, Bottleneck)]
        assert len(gammas) == 16
        assert all((gamma == (0 if zero else 1)).all() for gamma in gammas)


@pytest.mark.parametrize(
    ('name', 'size', 'parameters', 'macs'),
    [
        ('resnet50_a_fp16_bs1024', 224, 25_557_032, 3.858e9),
        ('resnet50_b_efficient', 224, 25_557_032, 4.089e9),
        ('resnet50_c_efficient', 224, 25_576_264, 4.329e9),
        ('resnet50_d_efficient', 224, 25_576_264, 4.329e9),
        ('mobilenet_v1_efficient', 224, 4_231_976, 0.5687e9),
        ('inception_v3_efficient', 299, 23_834_568, 5.713e9),
    ],
)
def test_sizes(name, size, parameters, macs):
    cfg = load(f'{name}_imagenet')
    model = build(cfg)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert cfg.train_pipeline[1].scale == size
    assert cfg.test_pipeline[2].crop_size == size
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size, device='meta'))
    assert counter.get_total_flops() / 2 == pytest.approx(macs, rel=2e-3)


@pytest.mark.parametrize(
    ('name', 'parameters'),
    [
        ('alexnet', 61_100_840),
        ('vgg16', 138_357_544),
        ('vgg19', 143_667_240),
        ('googlenet', 6_624_904),
    ],
)
def test_other_classifiers_come_from_libraries(name, parameters):
    cfg = Config.fromfile(CONFIGS.parent / f'_base_/models/{name}_classifier.py')
    cfg.default_scope = 'mmpretrain'
    model = build(cfg)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model(torch.zeros(2, 3, 224, 224, device='meta')).shape == (2, 1000)


@pytest.mark.parametrize('network', NETWORKS)
def test_table_2_6_stacks_the_refinements(network):
    for number, row in enumerate(TABLE_2_6):
        cfg = load(f'{network}_{row}_imagenet')
        model = cfg.model
        assert cfg.param_scheduler[1].type == ('CosineAnnealingLR' if number else 'MultiStepLR')
        loss = model.head.get('loss')
        assert (loss is not None) == (number >= 2)
        if loss:
            assert loss == dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)
        mixed, taught = 'mixup' in row, 'distill' in row
        assert cfg.train_cfg.max_epochs == (200 if mixed else 120)
        assert (model.get('train_cfg') is not None) == mixed
        if mixed:
            assert model.train_cfg.augments == dict(type='mmvisx.MirrorMixup', alpha=0.2)
        assert (model.type == 'mmvisx.DistillationClassifier') == taught
        if taught:
            teacher = 'mixup' if mixed else 'smooth'
            folder, file = model.teacher_checkpoint.removeprefix('work_dirs/').split('/')
            assert folder == f'resnet152_d_{teacher}_imagenet'
            assert file == f'epoch_{load(folder).train_cfg.max_epochs}.pth'
            assert model.temperature == 20
            assert model.teacher.backbone == dict(type='mmvisx.ResNetTweak', depth=152, variant='d')


def test_places365():
    efficient, best = (load(f'resnet50_d_{row}_places365') for row in ('efficient', 'best'))
    for cfg in (efficient, best):
        assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == 365
        assert cfg.train_dataloader.dataset.num_classes == 365
    reference = load('resnet50_d_mixup_imagenet')
    assert best.param_scheduler == reference.param_scheduler
    assert best.train_pipeline == reference.train_pipeline
    assert best.model.train_cfg == reference.model.train_cfg


def augmentation(side):
    """The six steps of 2.2.1, less the last, which the data preprocessor takes."""
    return [
        dict(type='mmvisx.LoadImageFromFile', to_float32=True),
        dict(
            type='RandomResizedCrop',
            scale=side,
            crop_ratio_range=(0.08, 1.0),
            aspect_ratio_range=(0.75, 4 / 3),
        ),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='mmvisx.HSVJitter', hue=(0.6, 1.4), saturation=(0.6, 1.4), brightness=(0.6, 1.4)),
        dict(type='mmvisx.PCANoise', std=0.1),
        dict(type='PackInputs'),
    ]


def validation(edge, side):
    """The shorter edge to 256, the 224x224 in the centre; the same ratio at 299."""
    return [
        dict(type='mmvisx.LoadImageFromFile'),
        dict(type='ResizeEdge', scale=edge, edge='short'),
        dict(type='CenterCrop', crop_size=side),
        dict(type='PackInputs'),
    ]


@pytest.mark.parametrize(
    'name', sorted(p.stem for p in CONFIGS.glob('*.py') if p.stem.endswith(('imagenet', '365')))
)
def test_augmentation_and_validation_are_those_of_the_text(name):
    cfg = load(name)
    edge, side = (342, 299) if name.startswith('inception') else (256, 224)
    assert cfg.train_dataloader.dataset.pipeline == augmentation(side)
    assert cfg.val_dataloader.dataset.pipeline == validation(edge, side)
    assert cfg.test_dataloader.dataset.pipeline == validation(edge, side)
    assert cfg.data_preprocessor == dict(
        num_classes=365 if 'places' in name else 1000,
        mean=[123.68, 116.779, 103.939],
        std=[58.393, 57.12, 57.375],
        to_rgb=True,
    )
    assert cfg.train_dataloader.sampler == dict(type='DefaultSampler', shuffle=True)
    assert cfg.val_evaluator == cfg.test_evaluator == dict(type='Accuracy', topk=(1, 5))


@pytest.mark.parametrize('network', NETWORKS)
@pytest.mark.parametrize('row', ['baseline', *TABLE_2_6])
def test_schedules_of_tables_2_2_and_2_6_in_numbers(network, row):
    name = f'{network}_{row}_imagenet'
    if not (CONFIGS / f'{name}.py').exists():  # Table 2.2's ResNet-50 is the "standard" B
        assert (network, row) == ('resnet50_d', 'baseline')
        name = 'resnet50_b_standard_imagenet'
    cfg = load(name)
    batch = 256 if row == 'baseline' else 1024
    epochs = 200 if 'mixup' in row else 120
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.1 * batch / 256, momentum=0.9, nesterov=True, weight_decay=1e-4
    )
    assert 8 * cfg.train_dataloader.batch_size == batch == cfg.auto_scale_lr.base_batch_size
    steps = dict(type='MultiStepLR', by_epoch=True, end=120, milestones=[30, 60, 90], gamma=0.1)
    if row == 'baseline':
        assert cfg.param_scheduler == [dict(steps, begin=0)]
        return
    warm_up = dict(
        type='mmvisx.LinearWarmupLR', by_epoch=True, begin=0, end=5, convert_to_iter_based=True
    )
    cosine = dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        end=epochs,
        T_max=epochs - 5,
        eta_min=0,
        convert_to_iter_based=True,
    )
    second = steps if row == 'efficient' else cosine
    assert cfg.param_scheduler == [warm_up, dict(second, begin=5)]
