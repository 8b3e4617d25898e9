"""The recipes of Neural Rejuvenation: networks, schedules, settings; small ones train."""

import copy
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from torch.utils.flop_counter import FlopCounterMode

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.apis.series import load_series
from mmvisx.cli.analysis import recipe_table
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.engine.hooks import NetworkSlimmingHook, NeuralRejuvenationHook
from mmvisx.registry import DATASETS, HOOKS, MODELS
from mmvisx.surgery.neural_rejuvenation import build_channel_graph, cost, rejuvenate, utilization
from mmvisx.surgery.neural_rejuvenation.slimming import convolution_weights
from tests.helpers.neural_rejuvenation_nets import wither

# Errors of Table 5-I, and what the hook is told.
ABLATION = {
    'baseline': ((32.13, 11.97), None),
    'baseline_ca': ((31.58, 11.46), None),
    'nr_cr': ((31.40, 11.53), ('NR-CR', False)),
    'nr_fs': ((31.26, 11.37), ('NR-FS', False)),
    'nr': ((30.74, 10.94), ('NR', False)),
    'nr_br': ((30.31, 10.67), ('NR', True)),
    'nr_ca': ((30.28, 10.88), ('NR-CA', False)),
    'nr_ca_br': ((29.98, 10.58), ('NR-CA', True)),
}
# Parameters of the baseline; errors of baseline, NR Params and NR FLOPs of Table 5-II.
IMAGENET = {
    'densenet121': (7_915_688, (25.32, 7.88), (24.50, 7.49), (24.78, 7.56)),
    'vgg16': (37_706_664, (24.26, 7.32), (23.11, 6.69), (23.71, 7.01)),
    'resnet18': (11_689_512, (30.30, 10.7), (28.86, 9.93), (29.73, 10.5)),
    'resnet34': (21_797_672, (26.61, 8.68), (25.77, 8.10), (25.45, 8.04)),
    'resnet50': (25_557_032, (24.30, 7.19), (22.93, 6.47), (22.79, 6.56)),
    'resnet101': (44_549_160, (22.44, 6.21), (21.22, 5.76), (20.98, 5.69)),
}
# Table 5-III: parameters, error of the baseline ("BL*") and of NR.
MOBILE = {
    'mobilenet_v1_050': (1_331_592, 41.77, 40.12),
    'mobilenet_v1_025': (470_072, 53.76, 51.94),
}
# Table 5-IV, CIFAR-10 and -100: parameters, errors of baseline, slimming and NR.
CIFAR = {
    'vgg19': ((20_035_018, 5.44, 5.06, 4.19), (20_081_188, 23.11, 24.92, 21.53)),
    'resnet164': ((1_704_154, 6.11, 5.65, 5.13), (1_727_284, 28.86, 25.61, 23.84)),
    'densenet100_40': ((8_269_050, 3.64, 3.75, 3.40), (8_371_740, 19.85, 19.29, 18.59)),
}
# Sparsities that the published code's README prints beside its errors, CIFAR-10 and -100.
LAMBDA = {'vgg19': (1.5e-4, 3e-4), 'resnet164': (1.5e-4, 2.5e-4), 'densenet100_40': (1e-4, 2e-4)}
# Table 5-V.
REPEATED = {10: (4.19, 4.03, 3.79, 3.69, 3.62), 100: (21.53, 20.47, 19.91)}
NANO = [
    f'{network}_{kind}nano_cifar10'
    for network in ('vgg11', 'resnet20')
    for kind in ('', 'nr_', 'slimming_half_')
]


@pytest.fixture
def load(repo):
    """Read a recipe by name."""
    return lambda name: Config.fromfile(repo / f'configs/neural_rejuvenation/{name}.py')


@pytest.fixture
def expected(repo):
    """What a recipe's header says is expected."""

    def read(name):
        text = (repo / f'configs/neural_rejuvenation/{name}.py').read_text().split('_base_')[0]
        text = text.replace('\n# ', ' ')
        return re.search(r'Expected: (.*?) \(', text)[1]

    return read


def test_readme_is_up_to_date(repo):
    assert recipe_table.main([str(repo / 'configs/neural_rejuvenation'), '--check']) == 0


def hook_of(cfg):
    """Build the rejuvenation of a recipe, ``None`` if there is none."""
    found = [h for h in cfg.custom_hooks if h.type == 'mmvisx.NeuralRejuvenationHook']
    assert len(found) <= 1
    return HOOKS.build(found[0]) if found else None


def build(cfg, device='meta'):
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device(device):
        return MODELS.build(cfg.model)


def parameters(cfg):
    return sum(p.numel() for p in build(cfg).parameters())


def two(errors):
    return f'{errors[0]:.2f} % top-1 error, {errors[1]:.2f} % top-5 error'


@pytest.mark.parametrize('key', ABLATION)
def test_ablation(key, load, expected):
    errors, settings = ABLATION[key]
    name = f'vgg19_simplified_{key}_90e_imagenet'
    cfg = load(name)
    assert expected(name) == two(errors)
    kinds = [hook.type for hook in cfg.custom_hooks]
    assert ('mmvisx.CrossAttentionBaselineHook' in kinds) == (key == 'baseline_ca')
    if settings is None:
        assert hook_of(cfg) is None
        assert parameters(cfg) == 20_550_568
    else:
        hook = hook_of(cfg)
        assert (hook.variant, hook.rescale) == settings
        assert (hook.threshold, hook.target, hook.resource) == (0.25, 1.0, 'params')
        check_imagenet_schedule(hook)
    for pipeline in (cfg.train_dataloader.dataset.pipeline, cfg.test_dataloader.dataset.pipeline):
        sizes = [step.get('scale' if 'Resized' in step.type else 'crop_size') for step in pipeline]
        assert 128 in sizes


def check_imagenet_schedule(hook):
    assert tuple(hook.window) == (0, 30)
    assert hook.num_rejuvenations == 1
    assert (hook.lambda_step, hook.lambda_interval) == (5e-5, 1)
    assert (hook.utilization_drop, hook.fixed_lambda) == (0.01, None)


@pytest.mark.parametrize('net', IMAGENET)
def test_imagenet(net, load, expected):
    size, *errors = IMAGENET[net]
    for kind, error in zip(('baseline', 'nr_params', 'nr_flops'), errors, strict=True):
        name = f'{net}_{kind}_90e_imagenet'
        cfg, hook = load(name), hook_of(load(name))
        assert expected(name) == two(error)
        assert cfg.train_cfg.max_epochs == 90
        (steps,) = cfg.param_scheduler
        assert (steps.milestones[:2], steps.gamma, steps.by_epoch) == ([30, 60], 0.1, True)
        assert cfg.optim_wrapper.optimizer.lr == 0.1
        assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 256
        if kind == 'baseline':
            assert hook is None
            assert parameters(cfg) == size
            continue
        # Without a convolution between two free ones, cross attention has nothing to do.
        assert hook.variant == ('NR' if net in ('resnet18', 'resnet34') else 'NR-CA')
        assert (hook.rescale, hook.threshold, hook.target) == (True, 0.5, 1)
        assert hook.resource == kind.removeprefix('nr_')
        assert hook.input_shape == ((3, 224, 224) if kind == 'nr_flops' else None)
        check_imagenet_schedule(hook)
        assert cfg.model == load(f'{net}_baseline_90e_imagenet').model


@pytest.mark.parametrize(
    ('net', 'mixed', 'total'),
    [
        ('resnet18', 0, 20),
        pytest.param('resnet34', 0, 36, marks=pytest.mark.slow),
        pytest.param('resnet50', 16, 53, marks=pytest.mark.slow),
        pytest.param('resnet101', 33, 104, marks=pytest.mark.slow),
    ],
)
def test_layers_with_cross_attention(net, mixed, total, load, repo):
    """Counted in the rejuvenated network: the 3x3 convolutions of bottlenecks, if any."""
    name = f'{net}_nr_params_90e_imagenet'
    model = build(load(name), 'cpu')
    graph = build_channel_graph(model, torch.randn(2, 3, 64, 64))
    wither(model, 0.5)
    rejuvenate(model, graph, cost(graph, 'params'), variant='NR-CA')
    kinds = [type(module).__name__ for module in model.modules()]
    assert kinds.count('CrossAttentionConv2d') == mixed
    assert sum('Conv2d' in kind for kind in kinds) == total
    header = ' '.join((repo / f'configs/neural_rejuvenation/{name}.py').read_text().split('\n# '))
    expected = f'cross attention in {mixed} of {total} convolutions' if mixed else 'NR-BR with'
    assert expected in header
    assert ('NR-CA-BR with' in header) == (mixed > 0)


# Billions of multiply-adds of Table 5-II, which cuts ResNet-50's 4.09 off. VGG-16's 15.3 are those
# of its 3x3 convolutions; the two of 4,096 channels are 18.9 million weights at 7x7 pixels.
@pytest.mark.parametrize(
    ('net', 'billions'),
    [
        ('densenet121', 2.83),
        ('vgg16', 15.35 + 18_874_368 * 49 / 1e9),
        ('resnet18', 1.81),
        ('resnet34', 3.66),
        ('resnet50', 4.09),
        ('resnet101', 7.80),
    ],
)
def test_multiply_adds(net, billions, load):
    model = build(load(f'{net}_baseline_90e_imagenet')).eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 224, 224, device='meta'))
    assert counter.get_total_flops() / 2e9 == pytest.approx(billions, abs=0.006)


@pytest.mark.parametrize('net', MOBILE)
def test_mobilenet(net, load, expected):
    size, *errors = MOBILE[net]
    for kind, error in zip(('baseline', 'nr_flops'), errors, strict=True):
        name = f'{net}_{kind}_90e_imagenet'
        cfg, hook = load(name), hook_of(load(name))
        assert expected(name) == f'{error:.2f} % top-1 error'
        (cosine,) = cfg.param_scheduler
        assert (cosine.type, cosine.T_max, cosine.end) == ('CosineAnnealingLR', 90, 90)
        assert cfg.optim_wrapper.optimizer.lr == 0.1
        if kind == 'baseline':
            assert parameters(cfg) == size
            continue
        assert (hook.variant, hook.rescale, hook.resource) == ('NR-CA', True, 'flops')
        assert hook.input_shape == (3, 128, 128)
        check_imagenet_schedule(hook)


@pytest.mark.parametrize('classes', [10, 100])
@pytest.mark.parametrize('net', CIFAR)
def test_cifar(net, classes, load, expected):
    size, *errors = CIFAR[net][classes == 100]
    for kind, error in zip(('baseline', 'slimming_half', 'nr_cr_half'), errors, strict=True):
        name = f'{net}_{kind}_{160 if kind == "slimming_half" else 300}e_cifar{classes}'
        cfg = load(name)
        assert expected(name) == f'{error:.2f} % error'
        assert cfg.train_dataloader.dataset.type == f'CIFAR{classes}'
        assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 64
        assert cfg.model.head.num_classes == cfg.model.data_preprocessor.num_classes == classes
        hooks = [HOOKS.build(hook) for hook in cfg.custom_hooks]
        if kind == 'baseline':
            assert parameters(cfg) == size
            check_cifar_schedule(cfg)
            assert not any(
                isinstance(h, NeuralRejuvenationHook | NetworkSlimmingHook) for h in hooks
            )
        elif kind == 'nr_cr_half':
            hook = hook_of(cfg)
            assert (hook.target, hook.threshold, hook.variant) == (0.5, 0.25, 'NR-CR')
            assert (hook.num_rejuvenations, hook.resource) == (1, 'params')
            check_published_code(cfg, net, classes)
        else:
            (hook,) = (hook for hook in hooks if isinstance(hook, NetworkSlimmingHook))
            assert (hook.target, hook.prune_epoch) == (0.5, 160)
            assert hook.penalty == (1e-4 if net == 'vgg19' else 1e-5)
            assert cfg.train_cfg.max_epochs == 320
            first, second = cfg.param_scheduler
            assert (first.end, second.begin) == (160, 160)
            assert first.milestones == second.milestones == [80, 120]
            assert cfg.optim_wrapper.optimizer.nesterov


def check_cifar_schedule(cfg):
    """Of the published code: ``--epochs 300 --schedule 150 225 --gamma 0.1``, rate 0.1."""
    (steps,) = cfg.param_scheduler
    assert (cfg.train_cfg.max_epochs, steps.milestones, steps.gamma) == (300, [150, 225], 0.1)
    optimizer = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4)
    assert cfg.optim_wrapper.optimizer == optimizer


def check_published_code(cfg, net, classes):
    """The schedule, and what makes the printed numbers: the penalty and the second head."""
    check_cifar_schedule(cfg)
    hook = hook_of(cfg)
    assert hook.fixed_lambda == LAMBDA[net][classes == 100]
    # Its rate is 0.1 until the event.
    assert tuple(hook.window) == (0, cfg.param_scheduler[0].milestones[0])
    # ResNet-164's last features are those of the stream, which has no rejuvenated ones.
    two_heads = net != 'resnet164'
    assert hook.two_heads == two_heads
    assert cfg.model.head.type == ('mmvisx.TwoHeadLinearClsHead' if two_heads else 'LinearClsHead')


@pytest.mark.parametrize('net', [pytest.param(n, marks=[pytest.mark.slow]) for n in CIFAR])
def test_cifar_event_splits_the_classifier(net, load):
    """In two heads with a loss each, where it has rejuvenated features."""
    cfg = load(f'{net}_nr_cr_half_300e_cifar10')
    hook = hook_of(cfg)
    model = build(cfg, 'cpu')
    model.init_weights()
    graph = build_channel_graph(model, torch.randn(2, 3, 32, 32))
    graph.two_heads = hook.two_heads
    wither(model, 0.6)
    budget = hook.target * cost(graph, hook.resource)
    rejuvenate(model, graph, budget, resource=hook.resource, variant=hook.variant)
    features = (torch.randn(2, model.head.fc.in_features),)
    samples = [DataSample().set_gt_label(label) for label in (1, 2)]
    names = {'loss_survived', 'loss_rejuvenated'} if net != 'resnet164' else {'loss'}
    assert set(model.head.loss(features, samples)) == names


@pytest.mark.parametrize('classes', [10, 100])
def test_scales_of_vgg_start_as_in_the_published_code(classes, load):
    model = build(load(f'vgg19_nr_cr_half_300e_cifar{classes}'), 'cpu')
    model.init_weights()
    scales = [m.weight for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(scales) == 16
    assert all(torch.equal(scale, torch.full_like(scale, 0.5)) for scale in scales)


@pytest.mark.parametrize(
    ('classes', 'times'), [(c, n) for c, errors in REPEATED.items() for n in range(len(errors))]
)
def test_repeated(classes, times, load, expected):
    name = f'vgg19_nr_cr_{times + 1}x_300e_cifar{classes}'
    hook = hook_of(load(name))
    check_published_code(load(name), 'vgg19', classes)
    assert expected(name) == f'{REPEATED[classes][times]:.2f} % error'
    assert (hook.num_rejuvenations, hook.target, hook.variant) == (times + 1, 1, 'NR-CR')


def test_detector_trains_what_is_rejuvenated(load):
    cfg = load('faster_rcnn_r50_nr_flops_fpn_coco')
    assert cfg.model.backbone.frozen_stages == -1
    assert not cfg.model.backbone.norm_eval
    hook = hook_of(cfg)
    assert hook.window[1] <= cfg.param_scheduler[-1].milestones[0]


@pytest.mark.parametrize(
    'name',
    [
        'faster_rcnn_r18_nr_flops_nano_shapes_voc',
        'resnet20_nr_nano_cifar10',
        'mobilenet_v1_025_nr_flops_90e_imagenet',
        pytest.param('faster_rcnn_r50_nr_flops_fpn_coco', marks=pytest.mark.slow),
        pytest.param('resnet164_nr_cr_half_300e_cifar10', marks=pytest.mark.slow),
        pytest.param('resnet50_nr_flops_90e_imagenet', marks=pytest.mark.slow),
    ],
)
def test_threshold_is_within_reach(name, load):
    """With most neurons dead the utilization is below it, not only with all of them."""
    cfg = load(name)
    hook = hook_of(cfg)
    model = build(cfg, 'cpu')
    side = 32 if 'cifar' in name else 128
    graph = build_channel_graph(model, torch.randn(2, 3, side, side))
    for group in graph.groups:
        for norm in group.norms:
            torch.nn.init.constant_(model.get_submodule(norm).weight, 1.0)
            model.get_submodule(norm).weight.data[: int(0.8 * group.width)] = 1e-5
    assert utilization(model, graph, hook.resource).ratio < hook.threshold


@pytest.mark.parametrize('name', [n for n in NANO if '_nr_' in n])
def test_nano_rejuvenates_before_the_rate_drops(name, load):
    cfg = load(name)
    assert hook_of(cfg).window[1] <= cfg.param_scheduler[0].milestones[0]
    baseline = load(name.replace('_nr_', '_'))
    assert cfg.model == baseline.model
    # The baseline's drops are as far from its end.
    length = baseline.train_cfg.max_epochs
    drops = [length - m for m in baseline.param_scheduler[0].milestones]
    assert drops == [cfg.train_cfg.max_epochs - m for m in cfg.param_scheduler[0].milestones]
    slimmed = load(name.replace('_nr_', '_slimming_half_'))
    assert slimmed.train_cfg.max_epochs == length
    begin = slimmed.param_scheduler[0].begin
    assert drops == [length - begin - m for m in slimmed.param_scheduler[0].milestones]


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Two training and two test images of ten classes."""
    root = tmp_path_factory.mktemp('cifar10')
    random = np.random.default_rng(0)
    for split in ('train', 'test'):
        for number in range(10):
            folder = root / split / f'{number}'
            folder.mkdir(parents=True)
            for index in range(2):
                image = random.integers(0, 255, (32, 32, 3), np.uint8)
                cv2.imwrite(str(folder / f'{index}.png'), image)
    return root


@pytest.mark.parametrize('name', NANO)
def test_nano_trains_two_iterations(name, images, tmp_path, repo):
    """And goes through its event, which the scales of a few steps would not bring about."""
    path = repo / f'configs/neural_rejuvenation/{name}.py'
    options = {'train_cfg.max_epochs': 2, 'train_cfg.val_interval': 2, 'param_scheduler': []}
    if 'slimming' in name:
        options |= {'custom_hooks.3.prune_epoch': 1}
    cfg = prepare_config(path, tmp_path, options)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = f'{images}/'
        loader.batch_size = 20
    cfg.default_hooks.logger.interval = 1
    runner = build_runner(cfg)
    before = convolution_weights(runner.model)
    hooks = [h for h in runner.hooks if isinstance(h, NeuralRejuvenationHook)]
    if hooks:
        runner.model.init_weights()
        wither(runner.model, 0.5)
    runner.train()
    after = convolution_weights(runner.model)
    if hooks:
        assert hooks[0].count == 1
        assert runner.iter == 1 + 2  # the epochs begin anew
        assert 0.95 * before < after <= before
    else:
        assert runner.iter == 2
        assert after == before if 'slimming' not in name else 0.4 * before < after <= before / 2
    assert 0 <= runner.message_hub.get_scalar('val/accuracy/top1').current() <= 100


@pytest.mark.parametrize('row', ['NR', 'NR-CR', 'NR-CR, two heads'])
def test_connectivity_counts_its_budget_after_the_event(row, repo, tmp_path):
    series = load_series(repo / 'configs/_series_/neural_rejuvenation_connectivity.py')
    (row,) = (r for r in series.rows if r.name == row)
    few = {
        'train_cfg.max_iters': 3,
        'train_cfg.val_interval': 9,
        'param_scheduler': [],
        'custom_hooks.3.lambda_interval': 1 / 2,
        'custom_hooks.3.window': None,
        'train_dataloader.dataset.number': 4 * 64,
        'val_dataloader.dataset.number': 64,
    }
    runner = build_runner(prepare_config(repo / row.config, tmp_path, {**row.options, **few}))
    before = convolution_weights(runner.model)
    runner.model.init_weights()
    wither(runner.model, 0.7)
    runner.train()
    assert runner.iter == 2 + 3
    assert 0.95 * before < convolution_weights(runner.model) <= before
    split = getattr(runner.model.head, 'rejuvenated', None) is not None
    assert split == ('heads' in row.name)


def test_connectivity_rejuvenates_before_the_rate_drops(load):
    cfg, baseline = load('vgg11_nr_nano_connectivity'), load('vgg11_nano_connectivity')
    hook = hook_of(cfg)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        data = DATASETS.build(cfg.train_dataloader.dataset)
    steps = len(data) // cfg.train_dataloader.batch_size
    assert hook.window[1] * steps <= cfg.param_scheduler[0].milestones[0]
    # No grid is seen twice in the longest training.
    assert hook.window[1] * steps + cfg.train_cfg.max_iters <= steps
    assert (cfg.model, cfg.train_cfg) == (baseline.model, baseline.train_cfg)


def test_nano_detector_goes_on_after_its_event(repo, tmp_path):
    make_shapes(tmp_path / 'shapes', ShapesConfig(train=4, val=2, size=64))
    path = repo / 'configs/neural_rejuvenation/faster_rcnn_r18_nr_flops_nano_shapes_voc.py'
    cfg = prepare_config(path, tmp_path, {'train_cfg.max_epochs': 2, 'train_cfg.val_interval': 9})
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False, batch_size=4)
    dataset = cfg.train_dataloader.dataset
    while 'data_root' not in dataset:
        dataset = dataset.dataset
    dataset.data_root = f'{tmp_path}/shapes/VOCdevkit/'
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    runner = build_runner(cfg)
    (hook,) = (h for h in runner.hooks if isinstance(h, NeuralRejuvenationHook))
    runner.model.init_weights()
    wither(runner.model, 0.7)
    runner.train()
    assert hook.count == 1
    assert runner.iter == 1 + 2
    assert 0 < runner.message_hub.get_scalar('train/loss').current() < 30
    assert all(p.isfinite().all() for p in runner.model.parameters())


def convolutions(model, images):
    """Multiply-adds and weights of all convolutions that run, counted by PyTorch."""
    weights = set()

    def note(module, args):
        weights.update((p, p.numel()) for p in module.parameters() if p.dim() == 4)

    handles = [m.register_forward_pre_hook(note) for m in model.modules()]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(images)
    for handle in handles:
        handle.remove()
    flops = counter.get_flop_counts()['Global'][torch.ops.aten.convolution] // 2
    return dict(flops=flops // images.size(0), params=sum(number for _, number in weights))


COUNTED = [
    'vgg11_nr_nano_cifar10',
    'resnet20_nr_nano_cifar10',
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in (
            'mobilenet_v1_050_nr_flops_90e_imagenet',
            'mobilenet_v1_025_nr_flops_90e_imagenet',
            'resnet18_nr_flops_90e_imagenet',
            'resnet50_nr_params_90e_imagenet',
            'densenet121_nr_flops_90e_imagenet',
            'vgg16_nr_flops_90e_imagenet',
            'vgg19_simplified_nr_br_90e_imagenet',
            'vgg19_nr_cr_half_300e_cifar10',
            'resnet164_nr_cr_half_300e_cifar100',
            'densenet100_40_nr_cr_half_300e_cifar10',
        )
    ),
]


@pytest.mark.parametrize('name', COUNTED)
def test_cost_after_reallocation_by_another_count(name, load):
    """With the settings of each recipe, and enough dead neurons for its threshold."""
    cfg = load(name)
    hook = hook_of(cfg)
    model = build(cfg, 'cpu').eval()
    side = 224 if 'imagenet' in name else 32
    images = torch.randn(1, *(hook.input_shape or (3, side, side)))
    graph = build_channel_graph(model, torch.cat([images] * 2))
    before = convolutions(copy.deepcopy(model), images)
    assert cost(graph, hook.resource) == before[hook.resource]
    share = 0.4 if hook.target == 1 else 0.6
    wither(model, share)
    assert utilization(model, graph, hook.resource).ratio < hook.target
    budget = hook.target * before[hook.resource]
    options = dict(variant=hook.variant, rescale=hook.rescale)
    rejuvenate(model, graph, budget, resource=hook.resource, **options)
    after = convolutions(model, images)
    assert 0.98 <= after[hook.resource] / budget <= 1
