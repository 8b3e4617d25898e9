"""Mixed precision without a GPU: what runs in bfloat16, what does not, and that it trains."""

import gc
import importlib.util
import json
import math
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from mmcv.ops import RoIAlign
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmvisx.apis.run import add_loss_check, build_runner, enable_amp
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.engine.optim import BFloat16OptimWrapper
from mmvisx.models.layers import ConvAWS2d, deform_conv2d
from mmvisx.models.layers.detectors_sac import _global_average, local_average
from mmvisx.utils import UserError

HELPER = Path(__file__).resolve().parents[2] / 'helpers' / 'two_processes.py'


@pytest.fixture(scope='module')
def helper():
    spec = importlib.util.spec_from_file_location('two_processes', HELPER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wrap(model, lr=0.0):
    return BFloat16OptimWrapper(torch.optim.SGD(model.parameters(), lr=lr))


def gradients(model, helper, wrapper=None, count=1):
    """Return the loss terms and the gradients of one step on ``count`` images."""
    inner = getattr(model, 'module', model)
    wrapper = wrapper or wrap(model)
    with wrapper.optim_context(model):
        data = inner.data_preprocessor(helper.images(3, 3 + count), True)
        terms = model(**data, mode='loss')
    total, _ = inner.parse_losses(terms)
    wrapper.backward(total)
    return terms, {name: p.grad for name, p in inner.named_parameters() if p.requires_grad}


def watch_types(model):
    """Record the type of every module's input."""
    seen = {}

    def watch(name):
        def hook(_, inputs):
            tensors = [x for x in inputs if isinstance(x, torch.Tensor)]
            tensors += [x for part in inputs if isinstance(part, tuple) for x in part]
            seen.setdefault(name, set()).update(x.dtype for x in tensors)

        return hook

    for name, module in model.named_modules():
        module.register_forward_pre_hook(watch(name))
    return seen


def test_dense_part_in_bfloat16_and_heads_in_float32(helper):
    model = helper.detector(with_cp=False)
    seen = watch_types(model)
    terms, grads = gradients(model, helper)
    assert seen['backbone.layer2.0.conv3'] == {torch.bfloat16}
    assert seen['neck.rfp_modules.0.layer2.0.conv3'] == {torch.bfloat16}
    assert seen['neck.fpn_convs.0.conv'] == {torch.bfloat16}
    assert seen['bbox_head'] == {torch.float32}
    assert seen['bbox_head.conv_cls'] == {torch.float32}
    assert all(term.dtype == torch.float32 and term.isfinite() for term in terms.values())
    for name, gradient in grads.items():
        assert gradient.dtype == torch.float32, name
        assert gradient.isfinite().all(), name
        assert gradient.abs().max() > 0, name


def test_loss_and_gradients_are_near_those_in_float32(helper):
    exact = helper.detector(with_cp=False)
    expected, expected_grads = gradients(
        exact, helper, OptimWrapper(torch.optim.SGD(exact.parameters(), lr=0.0))
    )
    terms, grads = gradients(helper.detector(with_cp=False), helper)
    for name, term in terms.items():
        assert term.item() == pytest.approx(expected[name].item(), rel=0.05), name
    flat, expected_flat = (
        torch.cat([g.flatten() for g in found.values()]) for found in (grads, expected_grads)
    )
    assert torch.cosine_similarity(flat, expected_flat, dim=0) > 0.98
    assert not torch.equal(flat, expected_flat)


def test_checkpointed_activations(helper):
    plain, plain_grads = gradients(helper.detector(with_cp=False), helper)
    terms, grads = gradients(helper.detector(with_cp=True), helper)
    assert {k: v.item() for k, v in terms.items()} == {k: v.item() for k, v in plain.items()}
    for name, gradient in grads.items():
        torch.testing.assert_close(gradient, plain_grads[name], msg=name)


@pytest.fixture
def one_process(tmp_path):
    store = dist.FileStore(str(tmp_path / 'store'), 1)
    dist.init_process_group('gloo', store=store, rank=0, world_size=1)
    yield
    gc.collect()  # a model under DDP that is alive may block what follows for ever
    dist.destroy_process_group()


def test_distributed_and_accumulated(helper, one_process):
    _, expected = gradients(helper.detector(with_cp=True), helper)
    model = MMDistributedDataParallel(helper.detector(with_cp=True))
    wrapper = BFloat16OptimWrapper(
        torch.optim.SGD(model.parameters(), lr=0.0), accumulative_counts=2
    )
    seen = watch_types(model.module)
    for count in (1, 2):
        _, grads = gradients(model, helper, wrapper)
        for name, gradient in grads.items():
            torch.testing.assert_close(gradient, count * expected[name], msg=name)
    assert seen['neck.fpn_convs.0.conv'] == {torch.bfloat16}


def test_leaves_the_model_as_it_was(helper):
    model = helper.detector(with_cp=False)
    wrapper = wrap(model)
    before = set(vars(model)), type(model)
    with wrapper.optim_context(model):
        assert type(model) is not before[1]
    assert (set(vars(model)), type(model)) == before
    assert not torch.is_autocast_enabled('cpu')
    # Evaluation during a training stays in float32.
    features = model.eval().extract_feat(torch.zeros(1, 3, 64, 64))
    assert {feature.dtype for feature in features} == {torch.float32}


def test_error_inside_leaves_no_autocast(helper):
    model = helper.detector(with_cp=False)
    with pytest.raises(RuntimeError), wrap(model).optim_context(model):
        model.extract_feat(torch.zeros(1, 5, 64, 64))
    assert not torch.is_autocast_enabled('cpu')
    assert type(model).__module__.startswith('mmdet.')


def test_model_without_extract_feat():
    model = nn.Linear(2, 2)
    context = wrap(model).optim_context(model)
    with pytest.raises(UserError, match='Linear has no extract_feat'), context:
        pass


def test_weight_standardisation_is_exact_under_autocast():
    conv = ConvAWS2d(16, 8, 3)
    nn.init.normal_(conv.weight, 0.3, 1.0)
    with torch.autocast('cpu', torch.bfloat16):
        weight = conv.standardized_weight()
    assert weight.dtype == torch.float32
    assert torch.equal(weight, conv.standardized_weight())


def test_deformable_sampling_in_float32_under_autocast():
    # Positions in bfloat16 would be pixels off at this width.
    x = torch.randn(1, 1, 3, 600)
    weight = torch.zeros(1, 1, 1, 1).fill_(1.0)
    offset = torch.tensor([0.0, 0.25]).view(1, 2, 1, 1).expand(1, 2, 3, 600).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        out = deform_conv2d(x, offset, weight)
    expected = 0.75 * x + 0.25 * nn.functional.pad(x, (0, 1))[..., 1:]
    torch.testing.assert_close(out.float(), expected, rtol=2**-8, atol=1e-5)


class Types(TorchDispatchMode):
    """Records the types that convolutions and poolings compute in, after autocast's casts."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(name in func.name() for name in ('convolution', 'avg_pool2d')):
            self.seen.update(a.dtype for a in args if isinstance(a, torch.Tensor))
        return func(*args, **(kwargs or {}))


def test_local_averages_are_sums_in_float32():
    # By the accuracy of the result one cannot tell: a CPU's bfloat16 convolution sums in float32,
    # another device's may not.
    with torch.autocast('cpu', torch.bfloat16), Types() as types:
        low = local_average((1 + torch.rand(1, 4, 64, 64)).bfloat16())
    assert types.seen == {torch.float32}
    assert low.dtype == torch.bfloat16


def test_local_average_of_float32_stays_exact_under_autocast():
    x = 1 + torch.rand(1, 4, 16, 16)
    with torch.autocast('cpu', torch.bfloat16):
        average = local_average(x)
    padded = nn.functional.pad(x.double(), (2,) * 4, mode='reflect')
    exact = padded.unfold(2, 5, 1).unfold(3, 5, 1).mean((-2, -1))
    assert average.dtype == torch.float32
    assert (average - exact).abs().max() < 1e-6  # bfloat16 would be 2e-3 off


def test_global_average_is_no_sum_in_bfloat16():
    """A sum in bfloat16 stops growing at 256 times the addend."""
    x = (1 + torch.rand(1, 4, 64, 64)).bfloat16()
    exact = x.double().mean((2, 3), keepdim=True)
    total = torch.zeros(4, dtype=torch.bfloat16)
    for column in x.flatten(2).unbind(-1):
        total += column[0]
    assert (total / 64**2 < exact.flatten() / 2).all()  # such a sum would be seen
    error = (_global_average(x).double() - exact).abs() / exact
    assert error.max() < 2**-8  # half a step of the result's own precision


def test_head_needs_float32():
    """Why the features are handed on in float32; when this fails, they need not be."""
    rois = torch.tensor([[0.0, 0.0, 0.0, 8.0, 8.0]])
    with pytest.raises(RuntimeError, match='BFloat16'):
        RoIAlign(2, 1.0, 1)(torch.ones(1, 1, 8, 8).bfloat16(), rois.bfloat16())


def test_refuses_another_wrapper():
    cfg = Config(dict(optim_wrapper=dict(type='ApexOptimWrapper')))
    with pytest.raises(UserError, match='ApexOptimWrapper'):
        enable_amp(cfg)


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_recipe_written_for_a_gpu():
    wrapper = dict(type='AmpOptimWrapper', loss_scale=512.0, clip_grad=dict(max_norm=1))
    cfg = Config(dict(optim_wrapper=wrapper))
    enable_amp(cfg)
    enable_amp(cfg)
    assert cfg.optim_wrapper == dict(type='mmvisx.BFloat16OptimWrapper', clip_grad=dict(max_norm=1))


def nano(repo, root, work_dir, iterations, size):
    cfg = Config.fromfile(repo / 'configs' / 'detectors' / 'htc_rfp_sac_nano_shapes.py')
    loader = cfg.train_dataloader
    loader.update(batch_size=2, num_workers=0, persistent_workers=False)
    loader.dataset.data_root = f'{root}/'
    for step in loader.dataset.pipeline:
        if 'Resize' in step.type:
            step.scale = (size, size)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        cfg[key] = None
    for key in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg[key] = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations)
    cfg.param_scheduler = [
        dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=25)
    ]
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=10_000, save_last=False)
    cfg.log_processor = dict(type='LogProcessor', window_size=1, by_epoch=False)
    cfg.randomness = dict(seed=0)
    cfg.work_dir = str(work_dir)
    cfg.launcher = 'none'
    return cfg


def train(cfg):
    """Return the logged values of every iteration."""
    add_loss_check(cfg)
    build_runner(cfg).train()
    (log,) = Path(cfg.work_dir).glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        values = [v for k, v in line.items() if 'loss' in k or k == 'grad_norm']
        assert len(values) > 10
        assert all(math.isfinite(value) for value in values)
    return lines


@pytest.mark.skipif(torch.cuda.is_available(), reason='--amp means float16 where there is a GPU')
def test_nano_htc_with_the_option(repo, tmp_path):
    make_shapes(tmp_path / 'shapes', ShapesConfig(train=4, val=1, size=64))
    cfg = nano(repo, tmp_path / 'shapes' / 'coco', tmp_path / 'work', 2, 64)
    enable_amp(cfg)
    assert cfg.optim_wrapper.type == 'mmvisx.BFloat16OptimWrapper'
    assert len(train(cfg)) == 2


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason='--amp means float16 where there is a GPU')
def test_50_steps_end_near_float32(repo, tmp_path):
    make_shapes(tmp_path / 'shapes', ShapesConfig(train=100, val=1))
    ends = {}
    for amp in (False, True):
        cfg = nano(repo, tmp_path / 'shapes' / 'coco', tmp_path / f'work{amp}', 50, 128)
        if amp:
            enable_amp(cfg)
        lines = train(cfg)
        assert len(lines) == 50
        ends[amp] = sum(line['loss'] for line in lines[-10:]) / 10
    print(f'mean loss of steps 41 to 50: float32 {ends[False]:.4f}, bfloat16 {ends[True]:.4f}')
    assert ends[True] == pytest.approx(ends[False], rel=0.05)
