"""DetectoRS on a GPU: equal to the CPU and to mmdet's, finite in mixed precision."""

import copy

import pytest
import torch
from mmcv.ops import nms, roi_align
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper
from torch import nn

from mmvisx.engine.optim import BFloat16OptimWrapper
from mmvisx.models.layers import SwitchableAtrousConv2d
from mmvisx.surgery import fuse_for_inference
from tests.helpers.detectors_pairs import (
    build_pair,
    gradient_errors,
    gradients,
    images,
    relative_errors,
)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
]
LIVE = ('weight_diff', 'switch', 'context', 'offset', 'rfp_')


@pytest.fixture(autouse=True)
def _full_float32():
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def make_live(model):
    """Move every part that starts without effect."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in LIVE):
                parameter.add_(torch.randn_like(parameter) * 0.02)
            elif name.endswith('bn3.weight'):
                parameter.fill_(0.2)
    return model


@pytest.fixture(scope='module')
def nano(repo):
    """The nano detector, every part alive, on the CPU."""
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    cfg = Config.fromfile(repo / 'configs/detectors/htc_rfp_sac_nano_shapes.py')
    model = MODELS.build(cfg.model)
    model.init_weights()
    return make_live(model)


def batch():
    shapes = [(3, 128, 128)] * 2
    return demo_mm_inputs(
        2, shapes, num_items=[3, 4], num_classes=6, with_mask=True, with_semantic=True
    )


def losses(model, data):
    """Return the terms in float32; sampling draws from the CPU's random numbers."""
    torch.manual_seed(0)
    return model(**model.data_preprocessor(copy.deepcopy(data), True), mode='loss')


@pytest.mark.parametrize('use_deform', [False, True])
@pytest.mark.parametrize('stride', [1, 2])
def test_layer_equals_the_cpu(use_deform, stride):
    options = dict(kernel_size=3, padding=1, stride=stride, use_deform=use_deform)
    layer = make_live(SwitchableAtrousConv2d(6, 8, **options)).double()
    other = copy.deepcopy(layer).cuda()
    x = torch.randn(2, 6, 13, 11, dtype=torch.float64)
    found = []
    for module, device in ((layer, 'cpu'), (other, 'cuda')):
        given = x.to(device).requires_grad_()
        out = module(given)
        probe = torch.linspace(-1, 1, out.numel(), dtype=out.dtype, device=device)
        (out * probe.view_as(out)).sum().backward()
        grads = {name: p.grad.cpu() for name, p in module.named_parameters()}
        found.append((out.detach().cpu(), given.grad.cpu(), grads))
    torch.testing.assert_close(found[1], found[0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_layer_in_mixed_precision_is_close_to_float32(dtype):
    layer = make_live(SwitchableAtrousConv2d(16, 16, 3, padding=1, use_deform=True)).cuda()
    x = torch.randn(2, 16, 24, 24, device='cuda', requires_grad=True)
    expected = layer(x)
    with torch.autocast('cuda', dtype):
        out = layer(x)
    assert ((out.float() - expected).norm() / expected.norm()).item() < 0.02
    out.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters() if p.grad is not None)


def test_features_and_gradients_equal_the_cpu():
    _, model = build_pair(double=True, base_channels=16)
    model.eval()  # several positions of the batch norms' statistics are then no matter
    x = images().double()
    with torch.no_grad():
        expected = model(x)
        probes = [torch.randn_like(out) / out.numel() ** 0.5 for out in expected]
    wanted = gradients(model, x, probes)
    model.cuda()
    with torch.no_grad():
        assert max(relative_errors([o.cpu() for o in model(x.cuda())], expected)) < 1e-9
    found = gradients(model, x.cuda(), [probe.cuda() for probe in probes])
    floor = torch.stack([g.norm() for g in wanted.values()]).median() * 1e-3
    for name, gradient in wanted.items():
        error = (found[name].cpu() - gradient).norm() / gradient.norm().clamp(min=floor)
        assert error < 1e-7, name


def test_features_and_gradients_equal_mmdets():
    reference, ours = (model.cuda() for model in build_pair(double=True, base_channels=16))
    x = images().double().cuda()
    errors = gradient_errors(reference.train(), ours.train(), x)
    assert max(errors.values()) < 1e-8, max(errors, key=errors.__getitem__)


def test_region_operators_equal_the_cpu():
    # A corner of many overlapping boxes.
    corners = torch.rand(300, 2) * 60
    boxes = torch.cat([corners, corners + 5 + torch.rand(300, 2) * 20], dim=1)
    scores = torch.rand(300)
    kept = nms(boxes.cuda(), scores.cuda(), 0.5)[1].cpu()
    assert torch.equal(kept, nms(boxes, scores, 0.5)[1])
    assert 0 < len(kept) < 300
    features = torch.randn(2, 4, 32, 32)
    regions = torch.cat([torch.arange(300.0)[:, None] % 2, boxes], dim=1)
    expected = roi_align(features, regions, (7, 7), 0.25, 2)
    found = roi_align(features.cuda(), regions.cuda(), (7, 7), 0.25, 2)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_losses_of_the_whole_detector_equal_the_cpu(nano):
    data = batch()
    cpu, gpu = copy.deepcopy(nano).train(), copy.deepcopy(nano).train().cuda()
    expected, found = losses(cpu, data), losses(gpu, data)
    # Not behind any proposal, of which rounding may swap two.
    for name in ('loss_rpn_cls', 'loss_rpn_bbox', 'loss_semantic_seg'):
        for a, b in zip(*(_as_list(terms[name]) for terms in (found, expected)), strict=True):
            torch.testing.assert_close(a.cpu(), b, rtol=1e-3, atol=1e-4)
    totals = [model.parse_losses(terms)[0] for model, terms in ((gpu, found), (cpu, expected))]
    torch.testing.assert_close(totals[0].cpu(), totals[1], rtol=0.05, atol=0)
    totals[0].backward()
    missing = [n for n, p in gpu.named_parameters() if p.requires_grad and p.grad is None]
    assert not [name for name in missing if 'rfp_modules' in name or name.startswith('backbone')]


def _as_list(value):
    return value if isinstance(value, list | tuple) else [value]


@pytest.mark.parametrize('kind', ['float16', 'bfloat16'])
def test_training_in_mixed_precision_is_finite(nano, kind):
    model = copy.deepcopy(nano).train().cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    if kind == 'float16':
        wrapper = AmpOptimWrapper(loss_scale=128.0, optimizer=optimizer)
    else:
        wrapper = BFloat16OptimWrapper(optimizer)
    data = batch()
    plain, _ = copy.deepcopy(nano).parse_losses(losses(copy.deepcopy(nano).train().cuda(), data))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for turn in range(3):
        with wrapper.optim_context(model):
            terms = losses(model, data)
        for name, term in terms.items():
            assert all(t.isfinite().all() for t in _as_list(term)), name
        total, _ = model.parse_losses(terms)
        if turn == 0:
            torch.testing.assert_close(total.float(), plain, rtol=0.1, atol=0)
        wrapper.update_params(total)
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert any('rfp_modules' in name and 'weight_diff' in name for name in moved)
    assert all(p.isfinite().all() for p in model.parameters())


@torch.no_grad()
def test_predictions_in_float32_and_fused(nano):
    model = copy.deepcopy(nano).eval().cuda()
    data = batch()
    plain = model.test_step(copy.deepcopy(data))
    fused = fuse_for_inference(copy.deepcopy(model)).test_step(copy.deepcopy(data))
    assert all(isinstance(p, nn.Parameter) and p.is_cuda for p in model.parameters())
    for a, b in zip(fused, plain, strict=True):
        scores = [s.pred_instances.scores.sort(descending=True).values[:10] for s in (a, b)]
        assert scores[0].is_cuda
        torch.testing.assert_close(scores[0], scores[1], rtol=1e-2, atol=1e-3)
