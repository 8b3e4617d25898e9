"""The ONNX export computes what torch does, on a photograph."""

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from torch import nn

from mmvisx.utils.config import load_config

pytest.importorskip('onnxruntime', reason="no onnxruntime: pip install -e '.[deploy]'")

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

CONFIGS = {
    'htc_rfp_sac_nano_shapes': ((256, 320), 4 + 4 + 4 + 2),
    'htc_rfp_sac': ((320, 416), 5 + 5 + 5 + 2),
}


def save_weights(path, target):
    """Save weights that let the switches, the offsets and the feedback have a say."""
    register_all_modules(init_default_scope=True)
    cfg = load_config(path)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    for backbone in (model.backbone, *model.neck.rfp_modules):
        backbone.init_cfg = None
        backbone.init_weights()
    for name, parameter in model.named_parameters():
        if name.endswith('bn3.weight'):
            nn.init.constant_(parameter, 0.3)
        elif any(part in name for part in ('offset_', 'switch', 'context', 'rfp_conv')):
            nn.init.normal_(parameter, std=0.02)
        elif 'weight_diff' in name:
            nn.init.normal_(parameter, std=0.01)
    torch.save({'state_dict': model.state_dict()}, target)


@pytest.mark.parametrize('config', CONFIGS)
def test_photograph(config, repo, realdata, script, tmp_path):
    shape, outputs = CONFIGS[config]
    path = f'configs/detectors/{config}.py'
    save_weights(repo / path, tmp_path / 'weights.pth')
    photo = sorted((realdata / 'coco128' / 'train2017').glob('*.jpg'))[0]
    out = script(
        'tools/deployment/export_onnx.py', path, tmp_path / 'weights.pth',
        '--out', tmp_path / 'out.onnx', '--shape', *shape, '--verify', photo,
    )  # fmt: skip
    lines = out.splitlines()
    errors = {line.split()[0]: float(line.split()[1]) for line in lines if 'e-' in line[24:]}
    errors = {name: error for name, error in errors.items() if '_' in name}
    assert len(errors) == outputs
    assert max(errors.values()) < 1e-3
    print(f'{config} on {photo.name}: {lines[-1]}')
