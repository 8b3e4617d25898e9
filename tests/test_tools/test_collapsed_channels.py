"""tools/analysis/collapsed_channels.py on a small classifier with planted copies."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from mmvisx.apis.build import build_model
from mmvisx.apis.run import prepare_config
from mmvisx.utils import UserError
from tests.helpers.first_input import first_input

CONFIG = 'configs/gunn/gunn15_nano_cifar10.py'
LAYER = 'backbone.stages.2.2'


@pytest.fixture
def options(tmp_path):
    """A tiny network, and ten images as class folders."""
    random = np.random.default_rng(0)
    for index in range(10):
        folder = tmp_path / 'data' / 'test' / str(index)
        folder.mkdir(parents=True)
        picture = random.integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(picture).resize((32, 32)).save(folder / 'a.png')
    return [
        'model.backbone.arch=[[8,2,2,1],[8,2,2,1],[8,2,2,1]]',
        'model.backbone.final_channels=8',
        'model.head.in_channels=8',
        f'test_dataloader.dataset.data_root={tmp_path / "data"}/',
    ]


@pytest.fixture
def checkpoint(repo, options, tmp_path):
    """Random weights, but for channels 1 and 2 of the last gradual layer, which are copies."""
    cfg = prepare_config(repo / CONFIG)
    cfg.model.backbone.update(arch=[[8, 2, 2, 1]] * 3, final_channels=8)
    cfg.model.head.in_channels = 8
    model = build_model(cfg)
    layer = dict(model.named_modules())[LAYER]
    entry = dict(model.named_modules())['backbone.stages.2.0']
    with torch.no_grad():
        entry.conv.weight[2] = entry.conv.weight[1]
        unit = layer.units[0]
        for conv in (unit.bottleneck[2].conv, unit.shortcut.conv):
            conv.weight[2] = conv.weight[1]
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'weights.pth')
    return tmp_path / 'weights.pth'


def test_finds_the_copies(tool, options, checkpoint, repo, tmp_path, capsys):
    call = lambda *more: tool(  # noqa: E731
        'tools/analysis/collapsed_channels.py', repo / CONFIG, checkpoint, *more,
        '--cfg-options', *options,
    )  # fmt: skip
    assert call('--images', '6', '--pairs', '1', '--out', tmp_path / 'out' / 'found.json') == 0
    table = capsys.readouterr().out
    assert f'{LAYER}: 1 and 2, +1.0000' in table
    found = json.loads((tmp_path / 'out' / 'found.json').read_text())
    assert list(found) == [f'backbone.stages.{n}' for n in ('0.1', '1.2', '2.2')]
    assert [1, 2] in [pair[:2] for pair in found[LAYER]['pairs']]
    assert found[LAYER]['segments'] == 2
    assert found[LAYER]['positions'] == 6 * 4 * 4
    assert found[LAYER]['distinct'] <= 7

    assert call('--layers', 'neck', 'head.fc', '--images', '999') == 0
    lines = [x for x in capsys.readouterr().out.splitlines() if ' - mmengine - ' not in x]
    assert [line.split()[:2] for line in lines[1:]] == [
        ['neck', '8'],
        ['head.fc', '10'],
    ]
    with pytest.raises(UserError, match='no layer'):
        call('--layers', 'backbone.stage')
    with pytest.raises(UserError, match='num_images=0'):
        call('--images', '0')


def test_a_data_preprocessor_at_the_top_of_the_config_normalises(tool, repo, tmp_path):
    """As in 42 recipes, whose channels were correlated on images from 0 to 255."""
    folder = tmp_path / 'imagenet' / 'class'
    folder.mkdir(parents=True)
    Image.fromarray(np.full((256, 300, 3), (60, 10, 250), np.uint8)).save(folder / 'a.png')
    cfg = prepare_config(repo / 'configs' / 'bag_of_tricks' / 'mobilenet_v1_baseline_imagenet.py')
    cfg.test_dataloader.dataset.update(type='mmvisx.ImageFolder', data_root=str(folder.parent))
    del cfg.test_dataloader.dataset.split
    cfg.dump(tmp_path / 'recipe.py')
    torch.save(dict(state_dict=build_model(cfg).state_dict()), tmp_path / 'weights.pth')
    with first_input() as seen:
        tool(
            'tools/analysis/collapsed_channels.py', tmp_path / 'recipe.py',
            tmp_path / 'weights.pth', '--layers', 'backbone', '--device', 'cpu',
        )  # fmt: skip
    # (60 - 123.68) / 58.393, (10 - 116.779) / 57.12, (250 - 103.939) / 57.375
    expected = [-1.0905416, -1.8693802, 2.5457255]
    assert seen[0][0, :, 2, 2].tolist() == pytest.approx(expected, abs=1e-5)
