"""Published checkpoints of Stacked U-Nets: names, shapes and outputs; what is refused."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from mmvisx.apis.export.stacked_unet import convert_stacked_unet, rename_stacked_unet
from mmvisx.models.backbones import StackedUNet
from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from tests.helpers.stacked_unet_published import (
    PUBLISHED,
    published_features,
    published_shapes,
    random_weights,
)


def published_file(path, weights):
    """Write weights as the published files hold them: of a DataParallel, beside other things."""
    state = {f'module.{key}': value for key, value in weights.items()}
    torch.save(dict(epoch=100, arch='sunet', state_dict=state, best_prec1=70.0), path)
    return path


@pytest.fixture(scope='module')
def sunet64(tmp_path_factory):
    """A published SUNet-64 with random weights."""
    torch.manual_seed(1)
    weights = random_weights(published_shapes(*PUBLISHED['sunet64']), torch.float32)
    folder = tmp_path_factory.mktemp('published')
    return weights, published_file(folder / 'checkpoint_64_2441_residual.pth.tar', weights)


def test_a_classifier_gives_the_published_scores(sunet64, tool, repo, tmp_path, capsys):
    weights, source = sunet64
    out = tmp_path / 'sunet64.pth'
    tool('tools/model_converters/stacked_unet.py', source, '--out', out)
    assert "arch='sunet64'" in capsys.readouterr().out
    cfg = Config.fromfile(repo / 'configs/stacked_unet/sunet64_120e_imagenet.py')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg.model).eval()
    assert load_weights(model, read_checkpoint(out), out, 'exact').exact
    x = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        features = published_features(weights, x, PUBLISHED['sunet64'][1], 32)
        scores = F.linear(features.mean((2, 3)), weights['linear.weight'], weights['linear.bias'])
        torch.testing.assert_close(model(x), scores, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('stride', [32, 16, 8])
def test_a_backbone_takes_the_file_at_any_stride(sunet64, stride, tmp_path):
    weights, source = sunet64
    out = tmp_path / 'sunet64.pth'
    assert convert_stacked_unet(source, out) == 'sunet64'
    init = dict(type='Pretrained', checkpoint=str(out), prefix='backbone.')
    model = StackedUNet(output_stride=stride, init_cfg=init).eval()
    model.init_weights()
    x = torch.randn(1, 3, 64, 80)
    with torch.no_grad():
        expected = published_features(weights, x, PUBLISHED['sunet64'][1], stride)
        torch.testing.assert_close(model(x)[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('arch', PUBLISHED)
def test_names_and_shapes_of_every_network(arch):
    shapes = published_shapes(*PUBLISHED[arch])
    with torch.device('meta'):
        own = StackedUNet(arch).state_dict()
    found = rename_stacked_unet({k: torch.empty(s, device='meta') for k, s in shapes.items()})
    assert found.pop('head.fc.weight').shape == (1000, PUBLISHED[arch][2][-1])
    assert found.pop('head.fc.bias').shape == (1000,)
    assert {k: v.shape for k, v in found.items()} == {
        f'backbone.{k}': v.shape for k, v in own.items() if 'num_batches' not in k
    }


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda w: w.pop('features.unet2_3.up.1.bn0.bias'), 'sunet64, from which 1 weights differ'),
        (lambda w: w.update({'features.unet5_0.bn.bn0.bias': torch.zeros(1)}), 'unet5_0'),
        (lambda w: w.update({'layer1.0.conv1.weight': torch.zeros(1)}), 'layer1.0.conv1.weight'),
        (lambda w: w.update({'linear.bias': torch.zeros(10)}), 'head.fc.bias'),
        (lambda w: w.pop('linear.weight'), 'head.fc.weight'),
    ],
)
def test_another_network_is_refused(sunet64, change, message, tmp_path):
    weights = dict(sunet64[0])
    change(weights)
    source = published_file(tmp_path / 'other.pth.tar', weights)
    with pytest.raises(UserError, match=message):
        convert_stacked_unet(source, tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()
