"""The ONNX export computes what torch does, on a photograph."""

import pytest

from mmvisx.utils.config import load_config

pytest.importorskip('onnxruntime', reason="no onnxruntime: pip install -e '.[deploy]'")

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

CONFIGS = {
    'htc_rfp_sac_nano_shapes': ((256, 320), 4 + 4 + 4 + 2),
    'htc_rfp_sac': ((320, 416), 5 + 5 + 5 + 2),
}


@pytest.mark.parametrize('config', CONFIGS)
def test_photograph(config, repo, realdata, script, lively_weights, tmp_path):
    shape, outputs = CONFIGS[config]
    path = f'configs/detectors/{config}.py'
    weights = lively_weights(load_config(repo / path), tmp_path / 'weights.pth')
    photo = sorted((realdata / 'coco128' / 'train2017').glob('*.jpg'))[0]
    out = script(
        'tools/deployment/export_onnx.py', path, weights,
        '--out', tmp_path / 'out.onnx', '--shape', *shape, '--verify', photo,
    )  # fmt: skip
    lines = out.splitlines()
    kinds = ('feature_', 'rpn_head_', 'semantic_head_')
    table = [line.split() for line in lines if line.startswith(kinds)]
    errors = {name: float(error) for name, error in table}
    assert len(errors) == outputs
    assert max(errors.values()) < 1e-3
    print(f'{config} on {photo.name}: {lines[-1]}')
