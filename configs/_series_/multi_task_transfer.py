# Raw against pretrained and joint against separate training in small (E3 to E8 of 002): a Stacked
# U-Net with output stride 8, 1,500 steps on 150 rendered images of 96x96 a task, 400 held out.
# Jointly there are 10 images of each task in a batch: every row has as many steps of the trunk and
# as many images of a task. One core: 4 to 8 minutes a run. Run: the rows of classes alone, whose
# results stand in docs/methods/multi_task.md; the others not yet, and their rates are not chosen.
#   python tools/datasets/make_shapes.py --out data/shapes_96 --size 96 --train 300 --val 400 \
#       --parts
#   python tools/datasets/make_shapes_crops.py
#   python tools/train.py configs/stacked_unet/sunet_nano_shapes_crops.py
#   python tools/run_series.py configs/_series_/multi_task_transfer.py --seeds 0 1 2 3 4
# The rates are those that had the highest mIoU on the held-out images with a seed of their own:
#   python tools/run_series.py configs/_series_/multi_task_transfer_rates.py --seeds 5
_config = 'configs/multi_task/sunet_{}_nano_shapes_150.py'
_pretrained = {
    'model.backbone.init_cfg': dict(
        type='Pretrained',
        checkpoint='work_dirs/sunet_nano_shapes_crops/epoch_24.pth',
        prefix='backbone.',
    )
}


def _row(name, lr, **start):
    options = {'optim_wrapper.optimizer.lr': lr, **start}
    return dict(config=_config.format(name), options=options)


rows = {
    'raw: classes': _row('semantic', 0.03),
    'raw: parts': _row('part', 0.03),
    'raw: jointly': _row('joint', 0.03),
    'pretrained: classes': _row('semantic', 0.1, **_pretrained),
    'pretrained: parts': _row('part', 0.03, **_pretrained),
    'pretrained: jointly': _row('joint', 0.03, **_pretrained),
}
metrics = {
    'semantic/mIoU': 'classes mIoU',
    'semantic_train/mIoU': 'of training images',
    'part/mIoU': 'parts mIoU',
    'part_train/mIoU': 'of training images',
}
pairs = [
    ('raw: jointly', 'raw: classes'),
    ('raw: jointly', 'raw: parts'),
    ('pretrained: jointly', 'pretrained: classes'),
    ('pretrained: jointly', 'pretrained: parts'),
    ('pretrained: classes', 'raw: classes'),
    ('pretrained: parts', 'raw: parts'),
    ('pretrained: jointly', 'raw: jointly'),
]
