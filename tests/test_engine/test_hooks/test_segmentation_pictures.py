"""Pictures of a segmentor's test, of one task and of several."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from mmvisx.apis.run import draw_predictions
from mmvisx.engine.hooks import SegmentationPicturesHook
from mmvisx.registry import HOOKS
from mmvisx.utils import UserError

PALETTE = [[250, 0, 0], [0, 0, 250]]
ONE = dict(classes=('a', 'b'), palette=PALETTE)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.jpg'
    Image.fromarray(np.full((20, 30, 3), 100, np.uint8)).save(path)
    return path


def sample_of(path, **labels):
    sample = SegDataSample(metainfo=dict(img_path=str(path)))
    for name, value in labels.items():
        data = torch.full((1, 20, 30), value)
        sample.set_data({f'pred_sem_seg{name}': PixelData(data=data)})
    return sample


def draw(folder, meta, sample):
    dataset = SimpleNamespace(metainfo=meta)
    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=dataset))
    SegmentationPicturesHook(folder, opacity=1).after_test_iter(runner, 0, outputs=[sample])
    with Image.open(folder / 'photo.png') as image:
        return np.array(image)


def test_one_task(photo, tmp_path):
    picture = draw(tmp_path / 'new' / 'out', ONE, sample_of(photo, **{'': 1}))
    assert (picture[:20, :30] == PALETTE[1]).all()
    assert picture.shape[1] > 60


def test_several_tasks_side_by_side(photo, tmp_path):
    meta = dict(ONE, tasks=dict(first=ONE, second=ONE))
    picture = draw(tmp_path / 'out', meta, sample_of(photo, _first=0, _second=1))
    assert (picture[:20, :30] == PALETTE[0]).all()
    inside = [
        x
        for x in range(30, picture.shape[1] - 30)
        if (picture[:20, x : x + 30] == PALETTE[1]).all()
    ]
    assert len(inside) == 1


def test_a_task_without_prediction_is_a_clear_error(photo, tmp_path):
    meta = dict(ONE, tasks=dict(first=ONE, second=ONE))
    with pytest.raises(UserError, match='no pred_sem_seg_second'):
        draw(tmp_path / 'out', meta, sample_of(photo, _first=0))


def test_show_dir_of_a_segmentor(tmp_path):
    cfg = Config(dict(default_scope='mmseg', custom_hooks=[dict(type='A')]))
    draw_predictions(cfg, tmp_path)
    assert cfg.custom_hooks[0].type == 'A'
    hook = HOOKS.build(cfg.custom_hooks[1])
    assert isinstance(hook, SegmentationPicturesHook)
    assert hook.out_dir == tmp_path
