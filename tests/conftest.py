"""Shared fixtures."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from yapf.yapflib import yapf_api

ROOT = Path(__file__).resolve().parents[1]
REALDATA = Path(os.environ.get('MMVISX_REALDATA', ROOT.parent / 'shared' / 'data'))


@pytest.fixture(scope='session', autouse=True)
def _unformatted_configs():
    # yapf takes a second to lay out a config, again for the log, the dump and every checkpoint. It
    # is the same Python without, see test_utils/test_config/test_pretty_text.py; programs that a
    # test starts do lay out.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yapf_api, 'FormatCode', lambda text, **_: (text, True))
        yield


@pytest.fixture(scope='session', autouse=True)
def _no_garbage_collection():
    # Every data set of MMEngine's collects all garbage when it is built: half a second, several
    # times in a training, next to the modules of all libraries.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmengine.dataset.base_dataset.gc', SimpleNamespace(collect=lambda: None))
        yield


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_training_left():
    # One that ended with an error is, to MMEngine's message hub, still running.
    yield
    MessageHub.get_current_instance().pop_info('loop_stage')


@pytest.fixture(scope='module', autouse=True)
def _no_default_scope_of_others():
    # A training leaves its scope behind, which decides what names without one mean.
    left = DefaultScope._instance_dict.copy()
    DefaultScope._instance_dict.clear()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(left)


@pytest.fixture(scope='session')
def repo() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope='session')
def realdata() -> Path:
    """The folder of real images; skips the test where there is none."""
    if not REALDATA.is_dir():
        pytest.skip(f'no real data: {REALDATA} does not exist (set MMVISX_REALDATA)')
    return REALDATA


@pytest.fixture(scope='session')
def lively_weights() -> Callable[..., Path]:
    """``lively_weights(cfg, path)`` saves weights of a DetectoRS in which every part has a say.

    Switches, contexts, offsets and feedback start as identity or zero, and so do residual
    branches that are trained from scratch. Much larger weights than these make a deep network
    chaotic: rounding errors decide where it samples.
    """
    # Here, because it takes seconds and most tests do without.
    from mmvisx.apis.build import build_model

    parts = ('offset_', 'switch', 'context', 'rfp_conv', 'weight_diff')

    def save(cfg, path: Path) -> Path:
        torch.manual_seed(0)
        model = build_model(cfg)
        for backbone in (model.backbone, *model.neck.rfp_modules):
            backbone.init_cfg = None
            backbone.init_weights()
        for name, parameter in model.named_parameters():
            if name.endswith('bn3.weight'):
                torch.nn.init.constant_(parameter, 0.3)
            elif name.endswith(('weight', 'weight_diff')) and any(part in name for part in parts):
                torch.nn.init.normal_(parameter, std=0.1 / parameter[0].numel() ** 0.5)
        torch.save({'state_dict': model.state_dict()}, path)
        return path

    return save


@pytest.fixture(scope='session')
def tiny_coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO data set of four 64x48 images (one without objects) in ``images/``."""
    folder = tmp_path_factory.mktemp('tiny') / 'coco'
    (folder / 'images').mkdir(parents=True)
    random = np.random.default_rng(0)
    images, annotations = [], []
    for index in range(4):
        picture = random.integers(0, 60, (48, 64, 3), dtype=np.uint8)
        for number in range(2 if index else 0):
            x, y, size = 4 + 30 * number, 5 + 4 * index, 20
            picture[y : y + size, x : x + size] = (250, 250, 30) if number else (30, 60, 250)
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': index,
                    'category_id': number + 1,
                    'bbox': [x, y, size, size],
                    'area': size * size,
                    'iscrowd': 0,
                    'segmentation': [[x, y, x + size, y, x + size, y + size, x, y + size]],
                }
            )
        cv2.imwrite(str(folder / 'images' / f'{index}.png'), picture)
        images.append({'id': index, 'file_name': f'{index}.png', 'width': 64, 'height': 48})
    categories = [{'id': 1, 'name': 'box'}, {'id': 2, 'name': 'disc'}]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    (folder / 'instances.json').write_text(json.dumps(content))
    return folder


@pytest.fixture(scope='session')
def tiny_config() -> Path:
    """A Mask R-CNN for :func:`tiny_coco`; give ``data_root`` as an option."""
    return ROOT / 'tests' / 'data' / 'tiny_mask_rcnn.py'
