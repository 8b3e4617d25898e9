"""The small recipe of ViP-DeepLab, on rendered clips that are smaller yet."""

from pathlib import Path

import pytest
import torch

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.datasets.shapes_video.write import ShapesVideoConfig, make_shapes_video
from tests.helpers.loggers import forget_loggers

CONFIG = Path(__file__).resolve().parents[2] / 'configs/vip_deeplab/vip_deeplab_nano_shapes.py'
DECODER = dict(channels=8, head_channels=8, context_channels=8)


@pytest.fixture(scope='module')
def clips(tmp_path_factory):
    """Two clips to train on and one to test on, of three frames of 64x64."""
    folder = tmp_path_factory.mktemp('data') / 'shapes_video'
    make_shapes_video(folder, ShapesVideoConfig(train=2, val=1, frames=3, size=(64, 64)), 1, False)
    return folder


def prepare(clips, work, **options):
    """Return the runner of two epochs of two steps, with two pairs each."""
    forget_loggers()
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        options |= {f'{loader}.num_workers': 0, f'{loader}.persistent_workers': False}
        options[f'{loader}.dataset.data_root'] = str(clips)
    for part in ('semantic', 'instance', 'next_frame'):
        options |= {f'model.{part}.{key}': value for key, value in DECODER.items()}
    options = {
        'train_dataloader.batch_size': 2,
        'model.backbone.base_channels': 4,
        'model.backbone.stem_channels': 4,
        'model.in_channels': (4, 8, 32),
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 2,
        'val_evaluator.window_sizes': (1, 2),
        'test_evaluator.window_sizes': (1, 2),
        'default_hooks.checkpoint': dict(type='CheckpointHook', by_epoch=False, interval=1),
        'randomness.seed': 0,
    } | options
    cfg = prepare_config(CONFIG, work, options)
    cfg.train_dataloader.dataset.pipeline[2].size = (64, 64)
    return build_runner(cfg)


def weights(runner):
    return {key: value.clone() for key, value in runner.model.state_dict().items()}


def test_trains_tests_and_resumes_as_if_never_stopped(clips, tmp_path):
    whole = prepare(clips, tmp_path / 'whole')
    whole.train()
    assert whole.iter == 4
    found = whole.test()
    assert {'dvps/DVPQ', 'dvps/VPQ_k2', 'dvps/absRel'} <= set(found)
    assert 0 <= found['dvps/DVPQ'] <= found['dvps/VPQ'] <= 1
    # Stopped after three of four steps, in the second epoch.
    resumed = prepare(
        clips, tmp_path / 'part', load_from=str(tmp_path / 'whole' / 'iter_3.pth'), resume=True
    )
    resumed.train()
    assert resumed.iter == 4
    last = weights(whole)
    assert all(torch.equal(value, last[key]) for key, value in weights(resumed).items())


def test_a_sample_of_the_recipe_holds_what_the_model_learns(clips, tmp_path):
    runner = prepare(clips, tmp_path)
    batch = next(iter(runner.train_dataloader))
    assert {tuple(item.shape) for item in batch['inputs']} == {(2, 3, 64, 64)}
    data = runner.model.data_preprocessor(batch, True)
    # RGB, by mean and standard deviation; files are read as BGR.
    red = batch['inputs'][0][0, 2].float()
    torch.testing.assert_close(data['inputs'][0, 0, 0], (red - 123.675) / 58.395)
    losses = runner.model(**data, mode='loss')
    names = ('semantic', 'centre', 'offset', 'next_offset', 'depth')
    assert set(losses) == {f'loss_{name}' for name in names}
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())
