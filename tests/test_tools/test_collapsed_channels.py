"""tools/analysis/collapsed_channels.py on a small classifier with planted copies."""

import json

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from mmvisx.apis.run import prepare_config
from mmvisx.registry import MODELS
from mmvisx.utils import UserError

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
    init_default_scope('mmpretrain')
    model = MODELS.build(cfg.model)
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
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]] == [
        ['neck', '8'],
        ['head.fc', '10'],
    ]
    with pytest.raises(UserError, match='no layer'):
        call('--layers', 'backbone.stage')
    with pytest.raises(UserError, match='num_images=0'):
        call('--images', '0')
