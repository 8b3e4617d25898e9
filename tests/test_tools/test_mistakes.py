"""A wrong value anywhere in a config ends in one line that names the entry and its value."""


import pytest

from mmvisx.utils import run_cli

DETECTORS = 'configs/detectors/htc_rfp_sac_nano_shapes.py'
CONNECTIVITY = 'configs/gunn/gunn_nano_connectivity.py'  # needs no files
REJUVENATION = 'configs/neural_rejuvenation/vgg11_nr_nano_connectivity.py'
TWEAKS = 'configs/bag_of_tricks/resnet18_d_nano_cifar10.py'
TASKS = 'configs/multi_task/sunet_async_nano_shapes.py'
UNET = 'configs/stacked_unet/sunet_nano_shapes.py'
YOLO = 'configs/detection_freebies/yolov3_resnet18_nano_shapes_voc.py'

# Recipe, entry, value on the command line, value as Python shows it
OPTIONS = [
    (DETECTORS, 'model.backbone.sac.switch', 'triple', "'triple'"),
    (DETECTORS, 'model.backbone.sac.atrous_factor', '0', '0'),
    (DETECTORS, 'model.backbone.sac.type', 'mmvisx.SwitchableConv', "'mmvisx.SwitchableConv'"),
    (DETECTORS, 'model.backbone.sac', '3', '3'),
    (DETECTORS, 'model.backbone.conv_cfg.type', 'ConvAWS3d', "'ConvAWS3d'"),
    (DETECTORS, 'model.backbone.norm_cfg', '3', '3'),
    (DETECTORS, 'model.backbone.depth', '19', '19'),
    (DETECTORS, 'model.backbone.out_indices', '[0,1,2,9]', '[0, 1, 2, 9]'),
    (DETECTORS, 'model.neck.rfp_steps', '0', '0'),
    (DETECTORS, 'model.neck.aspp_dilations', '[1,3,3,3]', '[1, 3, 3, 3]'),
    (DETECTORS, 'model.neck.in_channels', '64', '64'),
    (CONNECTIVITY, 'model.backbone.arch', '[3]', '[3]'),
    (CONNECTIVITY, 'model.backbone.stem', 'large', "'large'"),
    (CONNECTIVITY, 'model.head.num_classes', '-1', '-1'),
    (CONNECTIVITY, 'train_dataloader.batch_size', 'many', "'many'"),
    (CONNECTIVITY, 'train_dataloader.num_workers', '-2', '-2'),
    (CONNECTIVITY, 'train_dataloader.sampler.type', 'Sampler', "'Sampler'"),
    (CONNECTIVITY, 'train_dataloader.dataset.side', '0', '0'),
    (CONNECTIVITY, 'optim_wrapper.optimizer.lr', 'high', "'high'"),
    (CONNECTIVITY, 'optim_wrapper.optimizer.momentum', '-0.9', '-0.9'),
    (CONNECTIVITY, 'optim_wrapper.accumulative_counts', 'two', "'two'"),
    (CONNECTIVITY, 'train_cfg.max_iters', 'all', "'all'"),
    (CONNECTIVITY, 'train_cfg.val_begin', 'late', "'late'"),
    (CONNECTIVITY, 'val_evaluator.topk', 'best', "'best'"),
    (CONNECTIVITY, 'default_hooks.checkpoint.interval', 'often', "'often'"),
    (CONNECTIVITY, 'log_processor.window_size', 'wide', "'wide'"),
    (CONNECTIVITY, 'randomness.seed', 'lucky', "'lucky'"),
    (CONNECTIVITY, 'env_cfg.mp_cfg.mp_start_method', 'split', "'split'"),
    (REJUVENATION, 'custom_hooks.2.variant', 'best', "'best'"),
    (REJUVENATION, 'custom_hooks.2.threshold', '-0.3', '-0.3'),
    (REJUVENATION, 'model.backbone.depth', '12', '12'),
    (TWEAKS, 'model.backbone.variant', 'e', "'e'"),
    (TWEAKS, 'model.backbone.base_channels', 'many', "'many'"),
    (TASKS, 'model.backbone.arch.filters', '0', '0'),
    (TASKS, 'model.task_heads', '3', '3'),
    (UNET, 'model.backbone.output_stride', '3', '3'),
    (YOLO, 'model.bbox_head.anchor_generator.strides', '8', '8'),
]


@pytest.fixture
def refuse(tool, repo, tmp_path, capfd, monkeypatch):
    """``refuse(tool, config, *more)`` returns the one line that a tool says before it exits."""
    monkeypatch.chdir(tmp_path)  # where no data is

    def call(path, config, *more):
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            run_cli(lambda: tool(path, repo / config, *more))
        assert end.value.code == 1
        said = capfd.readouterr().err.partition('error: ')[2]
        assert said.count('\n') == 1, said
        return said

    return call


@pytest.mark.parametrize(('config', 'entry', 'given', 'shown'), OPTIONS)
def test_option(refuse, tmp_path, config, entry, given, shown):
    work = ('--work-dir', tmp_path / 'work')
    short = ['train_cfg.max_iters=2', 'train_dataloader.dataset.number=128'] if 'connectivity' in config else []
    line = refuse('tools/train.py', config, *work, '--cfg-options', *short, f'{entry}={given}')
    assert f'{entry}={shown}' in line, line
