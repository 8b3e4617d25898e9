"""Joint against separate and raw against pretrained: what the rows share, and that they run."""

from pathlib import Path

import pytest
import torch

from mmvisx.apis.build import build_model
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.apis.series import load_series
from mmvisx.datasets.shapes.crops import CropsConfig, write_crops
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes

ROOT = Path(__file__).resolve().parents[2]
RECIPE = 'configs/multi_task/sunet_{}_nano_shapes_150.py'
CROPS = 'configs/stacked_unet/sunet_nano_shapes_crops.py'
TASKS = {'semantic': ['semantic'], 'part': ['part'], 'joint': ['semantic', 'part']}


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Eight training images, half of them for parts, two held-out ones, and a few crops."""
    root = tmp_path_factory.mktemp('data')
    make_shapes(root / 'shapes', ShapesConfig(train=8, val=2, size=96, parts=True))
    write_crops(root / 'crops', CropsConfig(train=60, val=24))
    return root


def on_few(path, data, work_dir):
    """Read a recipe and point it to the small data."""
    cfg = prepare_config(path, work_dir, {'data_root': f'{data}/'})
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    cfg.default_hooks.logger.interval = 1
    cfg.test_dataloader = cfg.val_dataloader
    return cfg


@pytest.mark.parametrize(
    'name', ['joint', 'semantic', pytest.param('part', marks=pytest.mark.slow)]
)
def test_recipe_trains_and_evaluates(name, data, tmp_path):
    cfg = on_few(RECIPE.format(name), data / 'shapes', tmp_path)
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.train_dataloader.batch_size = 2 * len(TASKS[name])
    halves = dict(semantic=range(4), part=range(4, 8))
    parts = cfg.train_dataloader.dataset.get('datasets', [cfg.train_dataloader.dataset])
    if name == 'joint':
        cfg.train_dataloader.sampler.batch_size = 4
    for dataset in [*parts, cfg.val_dataloader.dataset]:
        dataset.serialize_data = False  # which collects all garbage
    for source in [*(part.tasks for part in parts), cfg.val_dataloader.dataset.tasks]:
        for task, images in source.items():
            if images.get('indices'):
                images.indices = list(halves[task.removesuffix('_train')])
    runner = build_runner(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    for task in TASKS[name]:
        assert scalars[f'train/{task}.images'].data[0].tolist() == [2, 2]
        for split in (task, f'{task}_train'):
            assert 0 <= scalars[f'val/{split}/mIoU'].current() <= 100
    assert len([key for key in scalars if key.endswith('/mIoU')]) == 2 * len(TASKS[name])


def test_the_classifier_gives_every_weight_of_the_trunk(data, tmp_path):
    cfg = on_few(CROPS, data / 'crops', tmp_path)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.train_dataloader.batch_size = 20
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 3
    assert 0 <= runner.message_hub.log_scalars['val/accuracy/top1'].current() <= 100
    trained = runner.model.backbone.state_dict()
    (row,) = (r for r in load_series('configs/_series_/multi_task_transfer.py').rows if
              r.name == 'pretrained: jointly')  # fmt: skip
    options = {**row.options, 'model.backbone.init_cfg.checkpoint': f'{tmp_path}/epoch_1.pth'}
    segmentor = build_model(prepare_config(row.config, tmp_path / 'segmentor', options))
    segmentor.init_weights()
    found = segmentor.backbone.state_dict()
    assert trained.keys() == found.keys()
    assert all(torch.equal(trained[key], found[key]) for key in trained)


def test_rows_differ_in_task_start_and_rate_only():
    series = load_series('configs/_series_/multi_task_transfer.py')
    steps, images = set(), {}
    for row in series.rows:
        cfg = prepare_config(row.config, options=dict(row.options))
        steps.add((cfg.train_cfg.max_iters, cfg.train_cfg.val_interval))
        steps.add((cfg.param_scheduler[0].end, cfg.param_scheduler[0].T_max))
        assert cfg.model.backbone.output_stride == 8
        assert cfg.model.data_preprocessor.size == (96, 96)
        assert ('init_cfg' in cfg.model.backbone) == row.name.startswith('pretrained')
        loader = cfg.train_dataloader
        joint = row.name.endswith('jointly')
        assert loader.batch_size == (20 if joint else 10)
        for part in loader.dataset.datasets if joint else [loader.dataset]:
            for task, source in part.tasks.items():
                images.setdefault(task, []).append(list(source.indices))
                held_out = cfg.val_dataloader.dataset.tasks
                assert 'indices' not in held_out[task]
                assert held_out[task].data_prefix.img_path.endswith('/val')
                assert held_out[f'{task}_train'].indices == source.indices
        if joint:
            assert loader.sampler.source_ratio == [1, 1]
    assert steps == {(1500, 500), (1500, 1500)}
    assert images == {'semantic': [list(range(150))] * 4, 'part': [list(range(150, 300))] * 4}
    assert len(series.pairs) == 7


def test_rates_are_tried_for_every_row():
    rows = load_series('configs/_series_/multi_task_transfer.py').rows
    tried = load_series('configs/_series_/multi_task_transfer_rates.py').rows
    rate = 'optim_wrapper.optimizer.lr'
    assert len(tried) == 3 * len(rows)
    for row in rows:
        mine = [other for other in tried if other.name.startswith(f'{row.name}, rate')]
        assert {other.options[rate] for other in mine} == {0.1, 0.03, 0.01}
        for other in mine:
            assert other.config == row.config
            assert {**other.options, rate: row.options[rate]} == row.options
