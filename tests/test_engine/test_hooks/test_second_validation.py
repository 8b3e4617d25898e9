"""A second data set evaluated during a training: when, on what, and under which names."""

import json

from mmengine.registry import DefaultScope

from mmvisx.analysis.training_curves import read_curves
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes

CONFIG = 'configs/detection_freebies/yolov3_resnet18_nano_shapes_voc.py'


def test_every_third_epoch_and_the_last(repo, tmp_path):
    root = tmp_path / 'shapes'
    make_shapes(root, ShapesConfig(train=4, val=2, size=96))
    cfg = prepare_config(repo / CONFIG, tmp_path / 'work')
    for part in (cfg.train_dataloader.dataset.dataset, cfg.val_dataloader.dataset):
        part.data_root = f'{root}/VOCdevkit/'
    cfg.train_dataloader.batch_size = 2
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=4, val_interval=2)
    cfg.default_hooks.logger.interval = 2
    modes = []
    second = dict(
        type='mmvisx.SecondValidationHook',
        dataloader=cfg.val_dataloader.to_dict(),  # the same images: the values must agree
        evaluator=dict(type='mmvisx.VOCMetric', prefix='second'),
        interval=3,
    )
    cfg.custom_hooks = [*cfg.custom_hooks, second]
    with DefaultScope.overwrite_default_scope('mmdet'):
        runner = build_runner(cfg)
        runner.model.register_forward_hook(lambda model, *_: modes.append(model.training))
        runner.train()
    curves = read_curves(tmp_path / 'work')
    assert curves['second/mAP_area'][0] == [6, 8]  # iterations, 2 an epoch
    assert curves['voc/mAP_area'][0] == [4, 8]
    assert curves['second/mAP_area'][1][-1] == curves['voc/mAP_area'][1][-1]
    # Of 2 steps an epoch, and evaluations of two images behind epochs 2, 3 and twice 4.
    train, test = [True] * 2, [False] * 2
    assert modes == [*train, *train, *test, *train, *test, *train, *test, *test]
    lines = [
        json.loads(line)
        for file in (tmp_path / 'work').glob('*/vis_data/scalars.json')
        for line in file.read_text().splitlines()
    ]
    assert [x['step'] for x in lines if 'second/mAP_area' in x and 'voc/mAP_area' not in x] == [
        3,
        4,
    ]
