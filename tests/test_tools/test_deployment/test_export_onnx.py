"""tools/deployment/export_onnx.py: the file computes what the checkpoint does."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from torch import nn

from mmvisx.apis.export import onnx
from mmvisx.utils import UserError
from mmvisx.utils.config import load_config

pytest.importorskip('onnx', reason="no onnx: pip install -e '.[deploy]'")
pytest.importorskip('onnxscript', reason="no onnxscript: pip install -e '.[deploy]'")
onnxruntime = pytest.importorskip(
    'onnxruntime', reason="no onnxruntime: pip install -e '.[deploy]'"
)

NANO = 'configs/detectors/htc_rfp_sac_nano_shapes.py'
# One SAC in each backbone: an export takes time by the number of layers.
SHORT = (False, False, False, True)
SHORT_OPTIONS = [
    f'model.backbone.stage_with_sac={SHORT}'.replace(' ', ''),
    f'model.neck.rfp_backbone.stage_with_sac={SHORT}'.replace(' ', ''),
]


def short_config(repo):
    cfg = load_config(repo / NANO)
    cfg.model.backbone.stage_with_sac = SHORT
    cfg.model.neck.rfp_backbone.stage_with_sac = SHORT
    return cfg


@pytest.fixture(scope='module')
def nano(repo, lively_weights, tmp_path_factory):
    """Weights of a nano DetectoRS with one SAC in each backbone."""
    return lively_weights(short_config(repo), tmp_path_factory.mktemp('nano') / 'nano.pth')


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp('photo') / 'photo.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (50, 90, 3), np.uint8))
    return path


def test_export(tool, repo, nano, photo, tmp_path, capsys):
    out = tmp_path / 'new' / 'nano.onnx'
    code = tool(
        'tools/deployment/export_onnx.py', NANO, nano, '--out', out, '--shape', '64', '96',
        '--verify', photo, '--cfg-options', *SHORT_OPTIONS,
    )  # fmt: skip
    assert code == 0
    assert 'largest difference' in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(out), providers=['CPUExecutionProvider'])
    shapes = {output.name: tuple(output.shape) for output in session.get_outputs()}
    assert shapes['feature_0'] == (1, 64, 16, 24)
    assert shapes['rpn_head_0_3'] == (1, 3, 2, 3)
    assert shapes['rpn_head_1_0'] == (1, 12, 16, 24)
    assert shapes['semantic_head_0'][1] == 10
    assert len(shapes) == 4 + 4 + 4 + 2
    meta = session.get_modelmeta().custom_metadata_map
    assert json.loads(meta['shape']) == [64, 96]
    assert json.loads(meta['bgr_to_rgb']) is True
    assert json.loads(meta['mean'])[0] == pytest.approx(123.675)

    # What the file computes depends on the weights, and the comparison sees it.
    model = onnx.build_dense(short_config(repo), nano)
    images = onnx.read_photograph(model, photo, (64, 96))
    assert max(onnx.compare(out, model, images).values()) < 1e-3
    nn.init.normal_(model.detector.neck.rfp_modules[0].layer4[0].conv2.weight_diff)
    assert max(onnx.compare(out, model, images).values()) > 1e-3


def test_photograph_is_scaled_padded_and_normalised(repo, photo):
    cfg = load_config(repo / NANO)
    model = onnx.DenseOutputs(MODELS.build(cfg.model))
    images = onnx.read_photograph(model, photo, (64, 96))
    assert images.shape == (1, 3, 64, 96)
    assert (images[:, :, 53:] == 0).all()  # 50 x 90 scaled by 96 / 90
    assert (images[:, :, :53] != 0).all()
    white = photo.with_name('white.png')
    cv2.imwrite(str(white), np.full((64, 96, 3), (255, 0, 0), np.uint8))  # blue, as OpenCV has it
    images = onnx.read_photograph(model, white, (64, 96))
    expected = torch.tensor([-123.675 / 58.395, -116.28 / 57.12, (255 - 103.53) / 57.375])
    torch.testing.assert_close(images.mean((0, 2, 3)), expected)


def test_wrong_arguments(tool, nano, tmp_path):
    def call(*arguments, checkpoint=nano):
        tool(
            'tools/deployment/export_onnx.py', NANO, checkpoint, *arguments,
            '--cfg-options', *SHORT_OPTIONS,
        )  # fmt: skip

    with pytest.raises(UserError, match=r'must end in \.onnx'):
        call('--out', tmp_path / 'a.pt')
    out = ('--out', tmp_path / 'a.onnx')
    with pytest.raises(UserError, match='--shape'):
        call(*out, '--shape', '8')
    with pytest.raises(UserError, match='multiples of 32'):
        call(*out, '--shape', '64', '70')
    with pytest.raises(UserError, match=r'nothing\.jpg does not exist'):
        call(*out, '--shape', '64', '--verify', tmp_path / 'nothing.jpg')
    with pytest.raises(UserError, match=r'no\.pth does not exist'):
        call(*out, '--shape', '64', checkpoint=tmp_path / 'no.pth')
    assert not (tmp_path / 'a.onnx').exists()


def test_missing_package(monkeypatch, repo, tmp_path):
    model = onnx.DenseOutputs(MODELS.build(load_config(repo / NANO).model))
    monkeypatch.setitem(__import__('sys').modules, 'onnxscript', None)
    with pytest.raises(UserError, match=r'onnxscript.*\[deploy\]'):
        onnx.export_onnx(model, tmp_path / 'a.onnx', (64, 64))
