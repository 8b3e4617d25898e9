"""DetectoRS backbones: pretrained weights, training from scratch, switches, errors."""

import copy
import math

import pytest
import torch
import torchvision
from mmdet.models.backbones import ResNet
from torch import nn

from mmvisx.models.backbones import DetectoRSResNet, DetectoRSResNeXt
from mmvisx.models.layers import ConvAWS2d, NonFiniteOffsetError, SwitchableAtrousConv2d

NEW = ('switch', 'weight_diff', 'pre_context', 'post_context', 'offset_s', 'offset_l', 'rfp_conv')


def config(deform=True, **options):
    """Return the arguments of a small backbone."""
    base = dict(
        depth=14,
        base_channels=8,
        stem_channels=8,
        norm_eval=False,
        conv_cfg=dict(type='mmvisx.ConvAWS2d'),
        sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=deform),
    )
    return base | options


def make_live(model, scale=0.05):
    """Move the parameters that start at zero."""
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, scale)
    return model


def in_mode(model, training=False):
    """Set the mode; the ``train`` of mmdet's ResNet does not return the model."""
    model.train(training)
    return model


@pytest.fixture(scope='module')
def torchvision_file(tmp_path_factory):
    """A ResNet-50 state dict with torchvision's names and lively batch statistics."""
    torch.manual_seed(3)
    model = torchvision.models.resnet50(weights=None)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.7, 1.4)
                module.weight.uniform_(0.2, 1)
                module.bias.normal_(0, 0.1)
        for name, parameter in model.named_parameters():
            if name.endswith('bn3.weight'):
                parameter.mul_(0.3)
    path = tmp_path_factory.mktemp('weights') / 'resnet50.pth'
    torch.save(model.state_dict(), path)
    return path


@pytest.mark.parametrize('deform', [True, False])
@torch.no_grad()
def test_torchvision_weights_give_the_plain_network(torchvision_file, deform):
    options = dict(depth=50, init_cfg=dict(type='Pretrained', checkpoint=str(torchvision_file)))
    options |= dict(base_channels=64, stem_channels=64)
    ours = DetectoRSResNet(**config(deform, rfp_inplanes=256, **options))
    ours.init_weights()
    state = torch.load(torchvision_file, weights_only=True)
    plain = ResNet(depth=50)
    plain.load_state_dict(state, strict=False)
    x = torch.randn(1, 3, 64, 96)
    feedback = [torch.randn(1, 256, 64 // s, 96 // s) for s in (4, 8, 16, 32)]
    expected = in_mode(plain)(x)
    for found in (in_mode(ours)(x), ours.rfp_forward(x, feedback)):
        for a, b in zip(found, expected, strict=True):
            assert (a - b).norm() < 1e-5 * b.norm()
    keys = ours.load_state_dict(state, strict=False)
    assert set(keys.unexpected_keys) == {'fc.weight', 'fc.bias'}
    assert keys.missing_keys
    assert all(any(part in key for part in NEW) for key in keys.missing_keys)
    for name, parameter in plain.named_parameters():
        assert torch.equal(ours.get_parameter(name), parameter), name


@pytest.mark.parametrize('kind', [DetectoRSResNet, DetectoRSResNeXt])
@pytest.mark.parametrize('deform', [True, False])
@pytest.mark.parametrize('aws', [True, False])
@pytest.mark.parametrize('depth', [14, 50])
@torch.no_grad()
def test_from_scratch_activations_have_unit_scale(kind, deform, aws, depth):
    extra = dict(groups=4, base_width=4) if kind is DetectoRSResNeXt else {}
    options = config(deform, depth=depth, base_channels=16, stem_channels=16, rfp_inplanes=8)
    if not aws:
        options['conv_cfg'] = None
    model = kind(**options, **extra)
    model.init_weights()
    x = torch.randn(2, 3, 96, 96)
    feedback = [torch.randn(2, 8, 96 // s, 96 // s) for s in (4, 8, 16, 32)]
    for mode in (False, True):
        for stage in (*in_mode(model, mode)(x), *model.rfp_forward(x, feedback)):
            assert 0.3 < stage.std() < 3


def test_eval_and_train_return_the_model():
    model = DetectoRSResNet(**config())
    assert model.eval() is model
    assert model.train() is model


@torch.no_grad()
def test_from_scratch_sacs_start_as_identity():
    model = make_live(DetectoRSResNet(**config(rfp_inplanes=8)), 1.0)
    model.init_weights()
    for module in model.modules():
        if isinstance(module, ConvAWS2d):
            torch.testing.assert_close(
                module.standardized_weight(), module.weight, rtol=0, atol=1e-6
            )
        if isinstance(module, SwitchableAtrousConv2d):
            assert not module.weight_diff.any()
            assert not module.switch.weight.any()
            assert module.switch.bias.tolist() == [1]
            assert not any(
                c.weight.any() or c.bias.any() for c in (module.offset_s, module.offset_l)
            )
    for name in ('layer2', 'layer3', 'layer4'):
        block = getattr(model, name)[0]
        assert not block.rfp_conv.weight.any()
        assert not block.rfp_conv.bias.any()
    assert not hasattr(model.layer1[0], 'rfp_conv')


def test_from_scratch_branches_start_at_zero():
    model = DetectoRSResNet(**config())
    model.init_weights()
    for name in model.res_layers:
        assert getattr(model, name)[0].norm3.weight.unique().tolist() == [0]


@pytest.mark.parametrize(
    ('depth', 'blocks'),
    [(14, (1, 1, 1, 1)), (26, (2, 2, 2, 2)), (50, (3, 4, 6, 3)), (101, (3, 4, 23, 3))],
)
def test_depths(depth, blocks):
    with torch.device('meta'):
        model = DetectoRSResNet(**config(depth=depth))
    assert tuple(len(getattr(model, name)) for name in model.res_layers) == blocks
    # Three convolutions a bottleneck, and the stem and the classifier make the depth.
    assert 3 * sum(blocks) + 2 == depth


def test_stages_with_sac_and_feedback_only_in_first_blocks():
    model = DetectoRSResNet(**config(depth=26, stage_with_sac=(False, False, True, True)))
    kinds = [{type(block.conv2) for block in getattr(model, name)} for name in model.res_layers]
    assert kinds == [{ConvAWS2d}, {ConvAWS2d}, {SwitchableAtrousConv2d}, {SwitchableAtrousConv2d}]
    assert not any(hasattr(module, 'rfp_conv') for module in model.modules())
    model = DetectoRSResNet(**config(depth=26, rfp_inplanes=12))
    with_feedback = [n for n, m in model.named_modules() if hasattr(m, 'rfp_conv')]
    assert with_feedback == ['layer2.0', 'layer3.0', 'layer4.0']
    assert model.layer3[0].rfp_conv.weight.shape == (128, 12, 1, 1)


def test_feedback_reaches_its_stage_and_those_behind():
    model = in_mode(make_live(DetectoRSResNet(**config(rfp_inplanes=8))))
    x = torch.randn(1, 3, 64, 64)
    feedback = [torch.zeros(1, 8, 64 // s, 64 // s) for s in (4, 8, 16, 32)]
    before = model.rfp_forward(x, feedback)
    for stage in range(4):
        changed = [f + (i == stage) for i, f in enumerate(feedback)]
        after = model.rfp_forward(x, changed)
        moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        # The first stage has no feedback input.
        assert moved == [0 < stage <= i for i in range(4)]


def test_resnext_groups():
    model = in_mode(DetectoRSResNeXt(groups=4, base_width=4, **config(rfp_inplanes=8)))
    conv = model.layer3[0].conv2
    # Width: 32 planes * base_width / base_channels * groups.
    assert (conv.in_channels, conv.out_channels, conv.groups) == (64, 64, 4)
    assert isinstance(conv, SwitchableAtrousConv2d)
    assert [m.shape[1] for m in model(torch.randn(1, 3, 32, 32))] == [32, 64, 128, 256]


@pytest.mark.parametrize('kind', [DetectoRSResNet, DetectoRSResNeXt])
def test_checkpointing_changes_nothing(kind):
    extra = dict(groups=2, base_width=4) if kind is DetectoRSResNeXt else {}
    models = [kind(**config(rfp_inplanes=8, with_cp=cp), **extra) for cp in (False, True)]
    make_live(models[0])
    models[1].load_state_dict(models[0].state_dict())
    x = torch.randn(2, 3, 64, 64)
    results = []
    for model in models:
        feedback = [torch.ones(2, 8, 64 // s, 64 // s) for s in (4, 8, 16, 32)]
        outs = in_mode(model, True).rfp_forward(x, feedback)
        sum(out.square().mean() for out in outs).backward()
        results.append((outs, {n: p.grad for n, p in model.named_parameters()}))
    for a, b in zip(results[0][0], results[1][0], strict=True):
        assert torch.equal(a, b)
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(results[1][1][name], gradient, rtol=1e-5, atol=1e-7, msg=name)


def test_frozen_stages_and_norm_eval():
    model = DetectoRSResNet(**config(frozen_stages=2, norm_eval=True, rfp_inplanes=8))
    model.train()
    frozen = {n.split('.')[0] for n, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {'conv1', 'bn1', 'layer1', 'layer2'}
    assert not any(m.training for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    before = {n: b.clone() for n, b in model.named_buffers()}
    sum(out.sum() for out in model(torch.randn(1, 3, 64, 64))).backward()
    assert all(torch.equal(b, before[n]) for n, b in model.named_buffers())
    assert model.layer2[0].conv2.weight.grad is None
    assert model.layer3[0].conv2.weight.grad is not None


def test_avg_down_pools_only_shortcuts_that_shrink():
    model = DetectoRSResNet(**config(avg_down=True))
    pooled = [
        isinstance(getattr(model, n)[0].downsample[0], nn.AvgPool2d) for n in model.res_layers
    ]
    assert pooled == [False, True, True, True]
    assert [m.shape[-1] for m in model(torch.randn(1, 3, 50, 50))] == [13, 7, 4, 2]


def test_outputs():
    x = torch.randn(1, 3, 32, 48)
    model = DetectoRSResNet(**config(output_img=True, out_indices=(1, 3)))
    image, *stages = model(x)
    assert image is x
    assert [tuple(s.shape) for s in stages] == [(1, 64, 4, 6), (1, 256, 1, 2)]


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (dict(rfp_sharing=True), 'rfp_inplanes'),
        (dict(rfp_sharing=True, rfp_inplanes=8, out_indices=(1, 2, 3)), 'out_indices'),
    ],
)
def test_wrong_arguments(options, text):
    with pytest.raises(ValueError, match=text):
        DetectoRSResNet(**config(**options))


def test_non_finite_weight_is_an_error_that_names_the_layer():
    model = DetectoRSResNet(**config())
    with torch.no_grad():
        model.layer2[0].conv2.offset_s.weight[0] = math.nan
    with pytest.raises(NonFiniteOffsetError, match=r'^layer2\.0\.conv2\.offset_s: '):
        model(torch.randn(1, 3, 32, 32))


def test_non_finite_features_are_an_error_too():
    model = DetectoRSResNet(**config())
    x = torch.randn(1, 3, 32, 32)
    x[0, 0, 3, 3] = math.inf
    # A zero weight times infinity is NaN.
    with pytest.raises(NonFiniteOffsetError, match=r'^layer2\.0\.conv2\.offset_s: '):
        in_mode(model)(x)


@pytest.mark.parametrize('train', [False, True])
def test_compiles_to_one_graph(train):
    model = in_mode(DetectoRSResNet(**config()), train)
    x = torch.randn(1, 3, 64, 64)
    compiled = torch.compile(model, fullgraph=True, backend='eager')
    for found, expected in zip(compiled(x), copy.deepcopy(model)(x), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize('train', [False, True])
def test_compiles_with_inductor(train):
    torch.manual_seed(0)
    model = in_mode(DetectoRSResNet(**config()), train)
    make_live(model)
    twin = copy.deepcopy(model)
    x = torch.randn(1, 3, 64, 64)
    compiled = torch.compile(model, fullgraph=True)
    with torch.set_grad_enabled(train):
        pairs = list(zip(compiled(x), twin(x), strict=True))
        for found, expected in pairs:
            assert (found - expected).norm() <= 1e-4 * expected.norm()
        if not train:
            return
        sum(found.square().mean() for found, _ in pairs).backward()
        sum(expected.square().mean() for _, expected in pairs).backward()
    gradients = [
        torch.cat([p.grad.flatten() for p in m.parameters() if p.grad is not None])
        for m in (model, twin)
    ]
    assert (gradients[0] - gradients[1]).norm() <= 1e-3 * gradients[1].norm()
