"""A training that is killed and resumed ends with the weights of the uninterrupted one."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from mmengine.config import Config

from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes

EPOCHS = 3
ITERATIONS = 4  # of an epoch
PATIENCE = 300  # seconds


@pytest.fixture(scope='module')
def config(repo, tmp_path_factory):
    """The nano HTC on a few images of 64x64 pixels, without validation."""
    folder = tmp_path_factory.mktemp('resume')
    make_shapes(folder / 'shapes', ShapesConfig(train=2 * ITERATIONS, val=0, size=64))
    cfg = Config.fromfile(repo / 'configs' / 'detectors' / 'htc_rfp_sac_nano_shapes.py')
    loader = cfg.train_dataloader
    loader.update(batch_size=2, num_workers=1, persistent_workers=True)
    loader.dataset.data_root = f'{folder}/shapes/coco/'
    names = [step.type.rsplit('.', 1)[-1] for step in loader.dataset.pipeline]
    loader.dataset.pipeline[names.index('Resize')].scale = (64, 64)
    assert 'RandomFlip' in names  # otherwise the data are the same in every epoch
    assert any('EMAHook' in hook.type for hook in cfg.custom_hooks)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=EPOCHS)
    for part in ('val', 'test'):
        for name in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{part}_{name}'] = None
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1)
    cfg.default_hooks.logger.interval = 1
    cfg.custom_hooks.append(dict(type='PauseHook'))
    cfg.custom_imports = dict(imports=['pause_hook'])
    path = folder / 'nano.py'
    cfg.dump(path)
    return path


@pytest.fixture(scope='module')
def tiny(tiny_config, tiny_coco, tmp_path_factory):
    """The tiny Mask R-CNN as the nano HTC: average weights, mirrored images, a worker."""
    cfg = Config.fromfile(tiny_config)
    loader = cfg.train_dataloader
    loader.update(batch_size=1, num_workers=1, persistent_workers=True)
    loader.dataset.update(data_root=f'{tiny_coco}/', filter_cfg=dict(filter_empty_gt=False))
    loader.dataset.pipeline.insert(-1, dict(type='RandomFlip', prob=0.5))
    ema = dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.002, update_buffers=True)
    cfg.custom_hooks = [dict(type='mmvisx.RandomStateHook'), ema, dict(type='PauseHook')]
    cfg.custom_imports = dict(imports=['pause_hook'])
    cfg.pop('randomness')  # the seed
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=EPOCHS)
    cfg.param_scheduler = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=8)]
    for part in ('val', 'test'):
        for name in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{part}_{name}'] = None
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1)
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    path = tmp_path_factory.mktemp('tiny_resume') / 'tiny.py'
    cfg.dump(path)
    return path


@pytest.fixture
def start(repo, request):
    """Start a training; what it prints goes to a file."""

    # The nano HTC, unless the test asks for another.
    config = request.getfixturevalue(getattr(request, 'param', 'config'))
    paths = f'{repo}:{repo / "tests/helpers"}'

    def call(work_dir, *arguments, seed=None, **environment):
        options = [] if seed is None else ['--cfg-options', f'randomness.seed={seed}']
        script = repo / 'tools' / 'train.py'
        work_dir.mkdir(exist_ok=True)
        with open(work_dir / 'output.txt', 'a') as output:
            return subprocess.Popen(
                [sys.executable, script, config, '--work-dir', work_dir, *arguments, *options],
                cwd=repo,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': paths, **environment},
                start_new_session=True,  # a group, so that its workers can be killed with it
            )

    return call


def finish(process, work_dir):
    """Wait for a training's end and return its last checkpoint."""
    code = process.wait(timeout=PATIENCE)
    assert code == 0, (work_dir / 'output.txt').read_text()[-3000:]
    return torch.load(work_dir / f'epoch_{EPOCHS}.pth', weights_only=True)


def kill_when(process, work_dir, is_time):
    """Kill the training and its workers, with the signal that nothing can catch."""
    deadline = time.monotonic() + PATIENCE
    while not is_time():
        assert process.poll() is None, (work_dir / 'output.txt').read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(timeout=PATIENCE) == -signal.SIGKILL


def different(one, other, name=''):
    """Names of the entries in which two nested checkpoints are not exactly equal."""
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one, other) else [name]
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return [name]
        return [n for k in one for n in different(one[k], other[k], f'{name}.{k}')]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            return [name]
        pairs = enumerate(zip(one, other, strict=True))
        return [n for k, pair in pairs for n in different(*pair, f'{name}.{k}')]
    return [] if one == other else [name]


def assert_same_run(one, other):
    for part in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers'):
        assert different(one[part], other[part], part) == []
    assert one['meta']['iter'] == other['meta']['iter'] == EPOCHS * ITERATIONS


@pytest.mark.parametrize(
    'start', ['tiny', pytest.param('config', marks=pytest.mark.slow)], indirect=True
)
def test_killed_in_an_epoch_with_a_seed_that_only_its_checkpoint_knows(start, tmp_path):
    broken, whole = tmp_path / 'broken', tmp_path / 'whole'
    kill_when(
        start(broken, PAUSE_AT='6'),
        broken,
        lambda: any('Epoch(train) [2][2/4]' in log.read_text() for log in broken.glob('*/*.log')),
    )
    assert not (broken / 'epoch_2.pth').exists()
    first = torch.load(broken / 'epoch_1.pth', weights_only=True)
    resumed = finish(start(broken, '--resume'), broken)
    assert resumed['meta']['seed'] == first['meta']['seed']
    # Training went on from the checkpoint.
    assert 'state_dict.backbone.conv1.weight' in different(
        first['state_dict'], resumed['state_dict'], 'state_dict'
    )
    assert_same_run(resumed, finish(start(whole, seed=first['meta']['seed']), whole))


@pytest.mark.slow
def test_killed_right_after_a_checkpoint_with_a_given_seed(start, tmp_path):
    broken, whole = tmp_path / 'broken', tmp_path / 'whole'
    last = broken / 'last_checkpoint'
    kill_when(
        start(broken, seed=11),
        broken,
        lambda: last.is_file() and last.read_text().endswith('epoch_1.pth'),
    )
    assert not (broken / 'epoch_2.pth').exists()
    resumed = finish(start(broken, '--resume', seed=11), broken)
    assert_same_run(resumed, finish(start(whole, seed=11), whole))
    other = finish(start(tmp_path / 'other', seed=12), tmp_path / 'other')
    assert different(resumed['state_dict'], other['state_dict'])  # the comparison can fail
