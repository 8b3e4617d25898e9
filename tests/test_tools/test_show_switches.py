"""tools/analysis/show_switches.py on a nano DetectoRS."""

import shutil

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvisx.registry import MODELS
from mmvisx.utils import UserError


@pytest.fixture(scope='module')
def checkpoint(repo, tmp_path_factory):
    """Random weights of the nano recipe."""
    path = tmp_path_factory.mktemp('weights') / 'nano.pth'
    cfg = Config.fromfile(repo / 'configs/detectors/htc_rfp_sac_nano_shapes.py')
    with DefaultScope.overwrite_default_scope('mmdet'):
        torch.save({'state_dict': MODELS.build(cfg.model).state_dict()}, path)
    return path


@pytest.fixture
def show(tool, repo, checkpoint, tmp_path):
    def call(*arguments):
        config = repo / 'configs/detectors/htc_rfp_sac_nano_shapes.py'
        return tool(
            'tools/analysis/show_switches.py', config, checkpoint, *arguments,
            '--out-dir', tmp_path / 'out', '--device', 'cpu',
        )  # fmt: skip

    return call


def test_pictures(show, tiny_coco, tmp_path):
    assert show(tiny_coco / 'images', '--height', '48') == 0
    written = sorted(p.name for p in (tmp_path / 'out').iterdir())
    assert written == [f'{i}.png.png' for i in range(4)]
    row = cv2.imread(str(tmp_path / 'out' / '1.png.png'))
    assert row.shape[1] > 5 * 64  # image, three stages, detections
    picture = cv2.imread(str(tiny_coco / 'images' / '1.png'))  # 64 x 48
    assert (row[-48:, :64] == picture).all()


def test_wrong_use(show, tiny_coco, tmp_path):
    image = tiny_coco / 'images' / '1.png'
    with pytest.raises(UserError, match=r'neck\.rfp_modules\.0'):
        show(image, '--backbone', 'neck')
    (tmp_path / 'more').mkdir()
    shutil.copy(image, tmp_path / 'more')
    with pytest.raises(UserError, match=r'two images are called 1\.png'):
        show(image, tmp_path / 'more')
    with pytest.raises(UserError, match='--height 3'):
        show(image, '--height', '3')
