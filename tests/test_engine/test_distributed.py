"""Two processes (gloo, CPU) train like one."""

import importlib.util
import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from tests.helpers.processes import run, run_two

HELPER = Path(__file__).resolve().parents[1] / 'helpers' / 'two_processes.py'


@pytest.fixture(scope='module')
def helper():
    spec = importlib.util.spec_from_file_location('two_processes', HELPER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def two(tmp_path_factory):
    """Losses and gradients of both processes, without and with checkpointed activations."""
    folder = tmp_path_factory.mktemp('two')
    run_two(HELPER, folder)
    return [torch.load(folder / f'rank{rank}.pth') for rank in (0, 1)]


@pytest.mark.parametrize('with_cp', [False, True])
def test_losses_and_gradients_are_those_of_one_process(two, helper, with_cp):
    one = helper.losses_and_gradients(with_cp)
    ranks = [rank[with_cp] for rank in two]
    for step, terms in enumerate(one['losses']):
        for name, value in terms.items():
            parts = [rank['losses'][step][name] for rank in ranks]
            assert sum(parts) / 2 == pytest.approx(value, rel=1e-4)
    assert ranks[0]['losses'] != ranks[1]['losses']  # each had its own images
    for name, gradient in one['gradients'].items():
        scale = gradient.abs().max()
        assert scale > 0, name
        for rank in ranks:
            assert (rank['gradients'][name] - gradient).abs().max() <= 1e-4 * scale, name


@pytest.fixture
def nano(repo, tmp_path):
    """The nano HTC on ten small images."""
    make_shapes(tmp_path / 'shapes', ShapesConfig(train=8, val=2, size=64))
    root = tmp_path / 'shapes' / 'coco'
    cfg = Config.fromfile(repo / 'configs' / 'detectors' / 'htc_rfp_sac_nano_shapes.py')
    for part in ('train', 'val', 'test'):
        loader = cfg[f'{part}_dataloader']
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.data_root = f'{root}/'
        for step in loader.dataset.pipeline:
            if 'Resize' in step.type:
                step.scale = (64, 64)
    for part in ('val', 'test'):
        cfg[f'{part}_evaluator'].ann_file = f'{root}/annotations/instances_val.json'
    return cfg


@pytest.fixture
def tiny(tiny_config, tiny_coco):
    """The tiny Mask R-CNN on four images."""
    cfg = Config.fromfile(tiny_config)
    for part in ('train', 'val', 'test'):
        cfg[f'{part}_dataloader'].dataset.data_root = f'{tiny_coco}/'
    for part in ('val', 'test'):
        cfg[f'{part}_evaluator'].ann_file = f'{tiny_coco}/instances.json'
    cfg.train_dataloader.update(batch_size=1)
    cfg.train_dataloader.dataset.filter_cfg = dict(filter_empty_gt=False)
    cfg.custom_hooks = []
    return cfg


@pytest.mark.parametrize('kind', ['tiny', pytest.param('nano', marks=pytest.mark.slow)])
def test_training_ends_with_the_same_weights_in_both_processes(repo, tmp_path, request, kind):
    cfg = request.getfixturevalue(kind)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1, val_interval=1)
    cfg.default_hooks.logger.interval = 1
    cfg.custom_imports = dict(imports=['two_processes'])
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='SaveRankHook')]
    cfg.randomness = dict(seed=0)
    cfg.dump(tmp_path / 'nano.py')
    work = tmp_path / 'work'
    paths = f'{repo}:{HELPER.parent}'
    train = ('bash', 'tools/dist_train.sh', tmp_path / 'nano.py', 2, '--work-dir', work)
    run(*train, PYTHONPATH=paths)
    first, second = (torch.load(work / f'rank{rank}.pth') for rank in (0, 1))
    assert (first['world'], first['backend']) == (2, 'gloo')
    assert first['weights'].keys() == second['weights'].keys()
    for name, weight in first['weights'].items():
        assert torch.equal(weight, second['weights'][name]), name
        assert weight.isfinite().all(), name
    (log,) = work.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    losses = [line['loss'] for line in lines if 'loss' in line]
    assert len(losses) == 2  # steps of two processes, 2 or 1 images each
    assert all(math.isfinite(loss) for loss in losses)
    assert any('coco/bbox_mAP' in line for line in lines)
