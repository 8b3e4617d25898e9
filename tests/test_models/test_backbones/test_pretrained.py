"""Every backbone takes its own pretrained weights, and says so when they are another's."""

import pytest
import torch
import torchvision
from mmengine.model import BaseModule
from torch import nn

import mmvisx.models  # noqa: F401 - registers everything
from mmvisx.engine.runner import CheckedRunner
from mmvisx.models.backbones import DetectoRSResNet, ResNetTweak, StackedUNet
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from tests.contract.cases import cases
from tests.contract.cases.detectors import BACKBONE

CASES = cases('MODELS')
BACKBONES = sorted(
    name for name, model in MODELS.module_dict.items() if '.models.backbones.' in model.__module__
)
STAGE = 'ResNetTweakStage'  # of the same weights, in a head


def make(name, checkpoint=None, **options):
    """Build a small backbone, pretrained if there is a checkpoint."""
    init_cfg = dict(type='Pretrained', checkpoint=str(checkpoint), **options)
    settings = {} if checkpoint is None else dict(init_cfg=init_cfg)
    return MODELS.get(name)(**CASES[name].config, **settings)


@pytest.fixture
def files(tmp_path):
    """``files(name)``: weights of a backbone, and a file with them under the prefix."""

    def save(name):
        weights = {
            key: torch.rand_like(value) if value.is_floating_point() else value
            for key, value in make(name).state_dict().items()
        }
        torch.save(weights, tmp_path / 'plain.pth')
        below = {f'backbone.{key}': value for key, value in weights.items()}
        torch.save({'state_dict': below}, tmp_path / 'classifier.pth')
        return weights

    return save


@pytest.mark.parametrize('name', [*BACKBONES, STAGE])
def test_right_weights_arrive(files, tmp_path, name):
    weights = files(name)
    for file, options in (('plain', {}), ('classifier', dict(prefix='backbone.'))):
        model = make(name, tmp_path / f'{file}.pth', **options)
        model.init_weights()
        for key, value in model.state_dict().items():
            assert torch.equal(value, weights[key]), key


@pytest.mark.parametrize('name', [*BACKBONES, STAGE])
def test_the_log_says_where_weights_came_from(files, tmp_path, monkeypatch, name):
    """MMEngine writes a line for each parameter of a model, by what changed it last."""
    files(name)
    told = {}
    monkeypatch.setattr(
        BaseModule,
        '_dump_init_info',
        lambda self: told.update(
            (key, self._params_init_info[value]['init_info'])
            for key, value in self.named_parameters()
        ),
    )

    class Model(BaseModule):
        def __init__(self):
            super().__init__()
            self.backbone = make(name, tmp_path / 'plain.pth')

    Model().init_weights()
    assert told
    wrong = {key: info for key, info in told.items() if not info.startswith('PretrainedInit')}
    assert not wrong


@pytest.mark.parametrize('name', [*BACKBONES, STAGE])
def test_another_networks_weights_are_refused(tmp_path, name):
    foreign = torchvision.models.squeezenet1_0(weights=None)
    torch.save(foreign.state_dict(), tmp_path / 'squeezenet.pth')
    with pytest.raises(UserError, match=rf'init_cfg of {name}: checkpoint .*squeezenet\.pth') as e:
        make(name, tmp_path / 'squeezenet.pth').init_weights()
    assert '\n' not in str(e.value)


@pytest.mark.parametrize('name', [*BACKBONES, STAGE])
def test_a_missing_prefix_is_named(files, tmp_path, name):
    files(name)
    with pytest.raises(UserError, match=r"stand in the file with prefix='backbone\.': set that"):
        make(name, tmp_path / 'classifier.pth').init_weights()
    with pytest.raises(UserError, match='stand in the file with no prefix: set that'):
        make(name, tmp_path / 'plain.pth', prefix='backbone.').init_weights()


@pytest.mark.parametrize('name', [*BACKBONES, STAGE])
@pytest.mark.parametrize(
    ('init_cfg', 'text'),
    [
        (dict(type='Pretrained', checkpoint='nothing.pth'), r'nothing\.pth does not exist.*FILE'),
        ('Pretrained', r"'Pretrained'.*checkpoint='FILE'"),
        (dict(type='Pretrained'), 'checkpoint=None: give .*FILE'),
        ([dict(type='Pretrained', checkpoint='nothing.pth')], r"checkpoint='FILE'"),
    ],
)
def test_mistakes_in_init_cfg_are_one_line(name, init_cfg, text):
    with pytest.raises(UserError, match=f'init_cfg.*{name}.*') as error:
        MODELS.get(name)(**CASES[name].config, init_cfg=init_cfg).init_weights()
    error.match(text)
    assert '\n' not in str(error.value)


def test_no_network(monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    # A port that nothing listens to, as for a machine that reaches nothing.
    address = 'http://127.0.0.1:9/resnet.pth'
    wanted = rf'{address} cannot be downloaded \(.*or put it into {tmp_path}/hub/checkpoints'
    with pytest.raises(UserError, match=wanted):
        make('GUNN', address).init_weights()
    with pytest.raises(UserError, match='resnet5O is no name that MMEngine knows'):
        make('GUNN', 'torchvision://resnet5O').init_weights()


def resnet(depth, path):
    """Save torchvision's ResNet with random weights."""
    network = torchvision.models.get_model(f'resnet{depth}', weights=None)
    torch.save(network.state_dict(), path)
    return str(path)


@pytest.mark.parametrize(
    ('other', 'depth', 'text'),
    [
        (18, 50, 'less than 90 %'),
        (50, 101, 'less than 90 %'),
        # All that it needs is there, but its stages end in the middle of the others'.
        (101, 50, 'entries more than it has in layer3'),
    ],
)
def test_another_depth(tmp_path, other, depth, text):
    init_cfg = dict(type='Pretrained', checkpoint=resnet(other, tmp_path / 'other.pth'))
    sac = dict(conv_cfg=BACKBONE['conv_cfg'], sac=BACKBONE['sac'], rfp_inplanes=256)
    for options in (sac, {}):
        with pytest.raises(UserError, match=text):
            DetectoRSResNet(depth=depth, init_cfg=init_cfg, **options).init_weights()


@pytest.mark.parametrize(
    ('name', 'shallow', 'deep', 'part'),
    [
        ('StackedUNet', (1, 1, 1, 1), (1, 1, 1, 2), 'stages.3'),
        ('PostActivationDenseNet', (1, 1), (1, 2), 'blocks.1'),
    ],
)
def test_another_depth_in_a_list_of_stages(tmp_path, name, shallow, deep, part):
    """A module more in the last stage: all that the shallow network needs is there, and fits."""
    widths = dict(filters=4, channels=(4, 4, 4, 4), stem_channels=2)

    def network(blocks, **kwargs):
        arch = dict(widths, modules=blocks) if name == 'StackedUNet' else blocks
        return MODELS.get(name)(arch=arch, **kwargs)

    torch.save(network(deep).state_dict(), tmp_path / 'deep.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'deep.pth'))
    network(deep, init_cfg=init_cfg).init_weights()
    with pytest.raises(UserError, match=rf'deep\.pth .* entries more than it has in {part}'):
        network(shallow, init_cfg=init_cfg).init_weights()


def test_another_stem(tmp_path):
    """A thousandth of the values, but all others see the images through it."""
    torch.save(ResNetTweak(50, 'c').state_dict(), tmp_path / 'c.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'c.pth'))
    with pytest.raises(UserError, match='nothing of bn1, conv1'):
        ResNetTweak(50, 'b', init_cfg=init_cfg).init_weights()


def test_what_a_network_adds_may_be_missing(tmp_path):
    init_cfg = dict(type='Pretrained', checkpoint=resnet(50, tmp_path / 'resnet50.pth'))
    sac = dict(BACKBONE['sac'])
    model = DetectoRSResNet(
        depth=50,
        conv_cfg=BACKBONE['conv_cfg'],
        sac=sac,
        rfp_inplanes=256,
        out_indices=(0, 1, 2),
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        init_cfg=init_cfg,
    )
    model.init_weights()
    weights = torch.load(init_cfg['checkpoint'])
    assert torch.equal(model.layer3[5].conv2.weight, weights['layer3.5.conv2.weight'])
    arch = CASES['StackedUNet'].config['arch']
    classifier = StackedUNet(arch)
    torch.save(classifier.state_dict(), tmp_path / 'sunet.pth')
    init_cfg['checkpoint'] = str(tmp_path / 'sunet.pth')
    dense = StackedUNet(arch, out_indices=(0, 3), init_cfg=init_cfg)
    dense.init_weights()
    assert torch.equal(dense.stem[0].weight, classifier.stem[0].weight)


class Foreign(BaseModule):
    """A backbone of another package, which checks nothing."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_the_runner_checks_backbones_of_other_packages(tmp_path):
    resnet(18, tmp_path / 'resnet18.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet18.pth'))
    runner = CheckedRunner.__new__(CheckedRunner)
    runner.model = nn.Sequential(Foreign(init_cfg=init_cfg))
    with pytest.raises(UserError, match=r'init_cfg of Foreign: .*resnet18\.pth does not hold'):
        runner._init_model_weights()
