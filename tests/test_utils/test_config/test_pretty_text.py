"""The tests do without yapf: what it lays out is the same config."""

import pytest
from mmengine.config import Config
from yapf.yapflib import yapf_api
from yapf.yapflib.yapf_api import FormatCode

RECIPES = [
    'detectors/htc_rfp_sac_nano_shapes',
    'multi_task/sunet_joint_nano_shapes_150',
    'neural_rejuvenation/resnet20_nr_nano_cifar10',
]


@pytest.mark.parametrize('name', RECIPES)
def test_layout_changes_no_value(repo, tmp_path, monkeypatch, name):
    cfg = Config.fromfile(repo / f'configs/{name}.py')
    texts = [cfg.pretty_text]
    monkeypatch.setattr(yapf_api, 'FormatCode', FormatCode)
    texts.append(cfg.pretty_text)
    assert texts[0] != texts[1]
    for number, text in enumerate(texts):
        path = tmp_path / f'{number}.py'
        path.write_text(text)
        assert Config.fromfile(path).to_dict() == cfg.to_dict()
