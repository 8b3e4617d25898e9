"""tools/analysis/label_smooth_gap.py."""

import cv2
import numpy as np
import pytest
import torch

from mmvisx.apis.build import build_model
from mmvisx.apis.run import prepare_config
from mmvisx.utils import UserError


@pytest.fixture
def config(repo):
    return repo / 'tests' / 'data' / 'tiny_classifier.py'


@pytest.fixture
def folders(tmp_path):
    random = np.random.default_rng(0)
    for name in 'abc':
        (tmp_path / 'images' / 'test' / name).mkdir(parents=True)
        for index in range(3):
            picture = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / 'images' / 'test' / name / f'{index}.png'), picture)
    return tmp_path / 'images'


def test_tool(tool, config, folders, tmp_path, capsys):
    torch.manual_seed(0)
    paths = []
    for name, scale in (('small', 0.1), ('large', 10.0)):
        model = build_model(prepare_config(config))
        torch.nn.init.normal_(model.head.fc.weight, std=scale)
        paths.append(tmp_path / f'{name}.pth')
        torch.save(model.state_dict(), paths[-1])
    out = tmp_path / 'gap.png'
    tool('tools/analysis/label_smooth_gap.py', config, *paths, '--legend', 'small', 'large',
         '--out', out, '--cfg-options', f'data_root={folders}')  # fmt: skip
    text = capsys.readouterr().out
    means = {
        line.split(':')[0]: float(line.split()[2]) for line in text.splitlines() if ': gap' in line
    }
    assert means['large'] > 5 * means['small'] > 0
    assert 'theory at epsilon = 0.1, 3 classes: 2.890' in text  # log(2 * 0.9 / 0.1)
    assert cv2.imread(str(out)).std() > 5
    with pytest.raises(UserError, match='--legend needs 2 different names'):
        tool('tools/analysis/label_smooth_gap.py', config, *paths, '--legend', 'a', 'a')
