"""The freebies together in a training: resumed, and in distributed training."""

import gc

import pytest
import torch
import torch.distributed as dist
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import DefaultScope

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.engine.hooks import BoxWeightsHook
from tests.helpers import interrupted_training  # noqa: F401 - registers SignalHook
from tests.helpers.detection_families import BOXES, as_list, batch, build

NANO = 'configs/detection_freebies/{}_resnet18_freebies_nano_shapes_voc.py'


def train(repo, folder, model, hooks=(), **options):
    """Train two epochs on four images, the first with mixup."""
    cfg = prepare_config(repo / NANO.format(model), folder / options.pop('name'))
    cfg.merge_from_dict(options)
    root = folder / 'shapes'
    if not root.exists():
        make_shapes(root, ShapesConfig(train=4, val=0, size=96))
    cfg.train_dataloader.update(batch_size=2)
    cfg.train_dataloader.dataset.dataset.data_root = f'{root}/VOCdevkit/'
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
    for part in ('val', 'test'):
        for name in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{part}_{name}'] = None
    cfg.default_hooks.checkpoint.interval = 1
    switch = dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=1)
    cfg.custom_hooks = [h for h in cfg.custom_hooks if 'Switch' not in h.type] + [switch, *hooks]
    for layer in cfg.model.data_preprocessor.get('batch_augments') or ():
        layer.interval = 1
    cfg.randomness = dict(seed=1)
    with DefaultScope.overwrite_default_scope('mmdet'):
        runner = build_runner(cfg)
        runner.train()
    return runner.model.state_dict()


@pytest.mark.parametrize('model', ['yolov3', pytest.param('faster_rcnn', marks=pytest.mark.slow)])
def test_resumed_is_the_uninterrupted_training(repo, tmp_path, model):
    whole = train(repo, tmp_path, model, name='whole')
    resumed = train(
        repo,
        tmp_path,
        model,
        name='resumed',
        resume=True,
        load_from=str(tmp_path / 'whole' / 'epoch_1.pth'),
    )
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


@pytest.mark.slow
def test_told_to_end_in_an_epoch_it_goes_on_with_the_same_mixtures(repo, tmp_path):
    whole = train(repo, tmp_path, 'yolov3', name='whole')
    stop = dict(type='SignalHook', at=0)
    with pytest.raises(SystemExit) as end:
        train(repo, tmp_path, 'yolov3', name='broken', hooks=[stop])
    assert end.value.code == 143
    resumed = train(repo, tmp_path, 'yolov3', name='broken', resume=True)
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


@pytest.fixture
def one_process(tmp_path):
    """A process group of one."""
    dist.init_process_group('gloo', f'file://{tmp_path}/store', rank=0, world_size=1)
    yield
    gc.collect()  # a model under DDP that is alive may block what follows for ever
    dist.destroy_process_group()


@pytest.mark.parametrize('family', ['YOLOv3', 'FCOS', 'Mask R-CNN'])
def test_distributed(one_process, family):
    """No weights leave a parameter without a gradient, which would stop the reduction."""

    class Runner:
        model = MMDistributedDataParallel(build(family))
        message_hub = MessageHub.get_instance('test_distributed')

    BoxWeightsHook().before_train(Runner)
    for weight in (0.0, 0.5, 0.0):
        images, samples = batch([[weight] * len(boxes) for boxes in BOXES])
        terms = Runner.model(images, samples, mode='loss')
        total = sum(sum(as_list(v)).sum() for k, v in terms.items() if 'loss' in k)
        total.backward()
        assert all(p.grad is not None for p in Runner.model.parameters())
