"""convert_to_sac: any network, the same output, and what it refuses."""

import pytest
import torch
import torchvision
from mmdet.models.backbones import ResNet as MMDetResNet
from mmpretrain.models.backbones import MobileNetV2
from torch import nn
from torch.nn.utils import parametrize, spectral_norm

from mmvisx.models.layers import SwitchableAtrousConv2d
from mmvisx.surgery import convert_to_sac
from mmvisx.utils import UserError

NEW = (
    'switch',
    'weight_diff',
    'pre_context',
    'post_context',
    'offset',
    'weight_gamma',
    'weight_be',
)


class TimmStyle(nn.Module):
    """Named and nested as timm's ConvNeXt and ResNet-D: Sequential stem, ``stages.N.blocks.M``."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8))
        self.stages = nn.ModuleList(self.stage(8, dilation) for dilation in (1, 2))
        self.head = nn.Linear(8, 5)

    @staticmethod
    def stage(width, dilation):
        blocks = [
            nn.Sequential(
                nn.Conv2d(width, width, 3, 1, 'same', dilation, groups=groups),
                nn.BatchNorm2d(width),
            )
            for groups in (1, width)
        ]
        return nn.ModuleDict(dict(blocks=nn.Sequential(*blocks), down=nn.Conv2d(8, 8, 1)))

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = x + stage['down'](stage['blocks'](x)).relu()
        return self.head(x.mean((2, 3)))


def as_trained(model):
    """Give the batch norms statistics of their own, as a training does."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    model.eval()  # mmdet's and mmpretrain's return nothing
    return model


def output(model, size=64):
    out = model(torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1)))
    return out[-1] if isinstance(out, tuple) else out


NETWORKS = {
    'torchvision': (
        lambda: torchvision.models.resnet50(num_classes=5),
        dict(pattern='layer[234].*.conv2'),
        4 + 6 + 3,
    ),
    'mmpretrain, depthwise': (
        lambda: MobileNetV2(widen_factor=0.25),
        dict(stages=['layer4', 'layer5'], global_context=False),
        4 + 3,
    ),
    'mmdet': (
        lambda: MMDetResNet(18, base_channels=8, norm_eval=False),
        dict(stages=['layer3', 'layer4'], switch='dual', use_deform=True),
        8,
    ),
    'timm-style': (TimmStyle, dict(stages=['stages'], use_deform=True), 4),
}


@pytest.mark.parametrize('network', NETWORKS)
def test_same_output_and_learns(network):
    build, options, count = NETWORKS[network]
    model = as_trained(build())
    with torch.no_grad():
        before = output(model)
    names = convert_to_sac(model, **options)
    assert len(names) == count
    assert [n for n, m in model.named_modules() if isinstance(m, SwitchableAtrousConv2d)] == names
    with torch.no_grad():
        after = output(model)
    assert (after - before).abs().max() <= 1e-5 * before.abs().max()

    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = {name: model.get_submodule(name).switch.weight.clone() for name in names}
    output(model).square().mean().backward()
    optimizer.step()
    for name in names:
        # The branches differ in dilation, so the switch moves at once.
        assert not torch.equal(model.get_submodule(name).switch.weight, start[name]), name


def test_names_of_the_state_dict():
    model = TimmStyle()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    names = convert_to_sac(model, 'stages.1.blocks.*', use_deform=True)
    assert names == ['stages.1.blocks.0.0', 'stages.1.blocks.1.0']
    after = model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    added = after.keys() - before.keys()
    assert added
    assert all(key.removeprefix(f'{names[0]}.').removeprefix(f'{names[1]}.').startswith(NEW)
               for key in added)  # fmt: skip
    # Weights of the plain network still load, and are absorbed.
    other = TimmStyle().eval()
    keys = model.load_state_dict(other.state_dict(), strict=False)
    assert not keys.unexpected_keys
    torch.testing.assert_close(output(model.eval()), output(other))


def test_keeps_what_the_convolution_was():
    conv = nn.Conv2d(4, 6, 3, (2, 1), (2, 3), (2, 3), groups=2).double().eval()
    conv.requires_grad_(False)
    model = nn.Sequential(conv, nn.Conv2d(6, 6, 3, padding=1, bias=False)).train()
    conv.eval()
    convert_to_sac(model, atrous_factor=2)
    sac, other = model
    assert (sac.stride, sac.padding, sac.dilation, sac.groups) == ((2, 1), (2, 3), (2, 3), 2)
    assert sac.weight is conv.weight
    assert sac.bias is conv.bias
    assert other.bias is None
    assert {p.dtype for p in sac.parameters()} == {torch.float64}
    assert not any(p.requires_grad for p in sac.parameters())
    assert all(p.requires_grad for p in other.parameters())
    assert (sac.training, other.training) == (False, True)
    assert sac.atrous_factor == 2
    assert sac.layer_name == '0'
    x = torch.randn(1, 4, 12, 12, dtype=torch.float64)
    torch.testing.assert_close(sac(x), conv(x))


def test_keeps_the_device():
    model = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, device='meta'))
    convert_to_sac(model)
    assert {tensor.device.type for tensor in model.state_dict().values()} == {'meta'}


def test_shared_convolution_stays_shared():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    model = nn.Sequential(conv, nn.ReLU(), conv)
    assert convert_to_sac(model) == ['0', '2']
    assert model[0] is model[2]


def hooked():
    return spectral_norm(nn.Conv2d(3, 3, 3, padding=1))


def parametrized():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    parametrize.register_parametrization(conv, 'weight', nn.Tanh())
    return conv


UNFIT = {
    'padding_mode': (lambda: nn.Conv2d(3, 3, 3, padding=1, padding_mode='reflect'), "'reflect'"),
    'no padding': (lambda: nn.Conv2d(3, 3, 3), r'padding=\(0, 0\).*\(1, 1\)'),
    'valid': (lambda: nn.Conv2d(3, 3, 3, padding='valid'), "padding='valid'"),
    'dilation': (
        lambda: nn.Conv2d(3, 3, 3, padding=1, dilation=2),
        r'needs its dilation, \(2, 2\)',
    ),
    'subclass': (parametrized, 'ParametrizedConv2d'),
    'hooks': (hooked, 'carries hooks'),
}


@pytest.mark.parametrize('kind', UNFIT)
def test_refuses_what_it_cannot_keep(kind):
    build, message = UNFIT[kind]
    model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), build())
    kinds = [type(layer) for layer in model]
    with pytest.raises(UserError, match=f'1 .*{message}'):
        convert_to_sac(model)
    assert [type(layer) for layer in model] == kinds
    assert convert_to_sac(model, skip_unfit=True) == ['0']
    assert type(model[1]) is kinds[1]


def test_second_call_finds_nothing():
    model = TimmStyle()
    convert_to_sac(model, stages=['stages'], use_deform=True)
    with pytest.raises(UserError, match='no 3x3 convolution to convert'):
        convert_to_sac(model, stages=['stages'])


def test_wrong_arguments():
    model = TimmStyle()
    with pytest.raises(UserError, match=r'layer2\.\*.*stem\.0'):
        convert_to_sac(model, 'layer2.*')
    with pytest.raises(UserError, match=r"'stages\.7'.*has stem, stages, head"):
        convert_to_sac(model, stages=['stages.7'])
    with pytest.raises(UserError, match='list of submodules'):
        convert_to_sac(model, stages='stages')
    with pytest.raises(UserError, match='not both'):
        convert_to_sac(model, '*', ['stages'])
    with pytest.raises(UserError, match='no 3x3 convolution'):
        convert_to_sac(nn.Conv2d(3, 3, 3, padding=1))
    with pytest.raises(TypeError, match='use_deformable'):
        convert_to_sac(model, use_deformable=True)
    assert not any(isinstance(m, SwitchableAtrousConv2d) for m in model.modules())
