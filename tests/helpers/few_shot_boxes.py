"""A small detector with random weights, rendered shapes with classes held out, boxes of them."""

import torch

from mmvisx.apis.build import build_model
from mmvisx.datasets.detection.few_shot_split import boxes_by_class, write_held_out
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.utils.config import load_config

LARGE = ('disc', 'square', 'triangle', 'star', 'cross')


def shapes_without(folder, *names):
    """Render, hold a class or two out; returns the config of the recipe for these files."""
    make_shapes(folder, ShapesConfig(train=24, val=4, size=64))
    write_held_out(folder / 'coco/annotations/instances_train.json', *names)
    recipe = 'faster_rcnn_r18_nano_shapes' + ('_two' if len(names) == 2 else '')
    cfg = load_config(f'configs/few_shot/{recipe}.py')
    root = f'{folder}/coco/'
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.dataset.data_root = root
        loader.num_workers, loader.persistent_workers = 0, False
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.ann_file = f'{root}annotations/instances_val.json'
    return cfg


def detector_weights(cfg, path, classes=LARGE):
    """Write random weights of a config's detector as a training would."""
    torch.manual_seed(0)
    model = build_model(cfg)
    model.init_weights()
    # As far apart as learnt ones: untrained, all regions would be alike
    torch.nn.init.normal_(model.roi_head.bbox_head.fc_cls.weight, std=0.5)
    meta = dict(dataset_meta=dict(classes=classes))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path


def held_out_boxes(folder, count, *names):
    """Return by class image files and boxes x1, y1, x2, y2 of those that were held out."""
    file = folder / f'coco/annotations/instances_train_only_{"_".join(names)}.json'
    found = boxes_by_class(file, folder / 'coco/train')
    return {name: found[name][:count] for name in names}
