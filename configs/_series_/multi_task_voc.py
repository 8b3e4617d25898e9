# E1 to E8 of 002, section 5.2, and E7 and E8 without asynchronous SGD. One GPU with 10 GB. Not run.
#   python tools/run_series.py configs/_series_/multi_task_voc.py --seeds 0
# E3 to E8 are on the images of D3, so that only the training differs; the learning curves of
# Figures 6.2 and 6.3 are drawn from their folders:
#   python tools/analysis/multi_task_curves.py work_dirs/multi_task_voc --rows e3 e4 e7 e8 \
#       --task semantic --out figure_6_2.png
# The table shows the last epoch; the document reports the best, whose weights are kept.
_fcn = 'configs/fcn_skip/fcn_r18_{}_voc2012_sbd_half.py'
_sunet = 'configs/stacked_unet/sunet64_{}_{}.py'
_joint = 'configs/multi_task/sunet64_{}_voc_person_part.py'


def _task(name):
    """Give the metrics of a model with one task that task's name."""
    return {
        'val_evaluator.prefix': name,
        'test_evaluator.prefix': name,
        'default_hooks.checkpoint.save_best': f'{name}/mIoU',
    }


_d3 = {
    'train_dataloader.dataset.ann_file': 'ImageSets/Segmentation/person_part_train.txt',
    'val_dataloader.dataset.ann_file': 'ImageSets/Segmentation/person_part_val.txt',
    'val_dataloader.dataset.data_prefix.seg_map_path': 'SegmentationClassAug',
}
_classes = {**_task('semantic'), **_d3}
_parts = _task('part')

rows = {
    'E1, weight decay 0': dict(config=_fcn.format('raw_wd0_300e'), options=_task('semantic')),
    'E1, weight decay 1e-4': dict(config=_fcn.format('raw_wd1e4_300e'), options=_task('semantic')),
    'E1, weight decay 5e-4': dict(config=_fcn.format('raw_300e'), options=_task('semantic')),
    'E1, weight decay 1e-3': dict(config=_fcn.format('raw_wd1e3_300e'), options=_task('semantic')),
    'E2, weight decay 0': dict(
        config=_fcn.format('pretrained_wd0_100e'), options=_task('semantic')
    ),
    'E2, weight decay 1e-4': dict(
        config=_fcn.format('pretrained_wd1e4_100e'), options=_task('semantic')
    ),
    'E2, weight decay 5e-4': dict(config=_fcn.format('pretrained_100e'), options=_task('semantic')),
    'E2, weight decay 1e-3': dict(
        config=_fcn.format('pretrained_wd1e3_100e'), options=_task('semantic')
    ),
    'E3': dict(config=_sunet.format('raw_300e', 'voc2012_sbd'), options=_classes),
    'E4': dict(config=_sunet.format('pretrained_90e', 'voc2012_sbd'), options=_classes),
    'E5': dict(config=_sunet.format('raw_300e', 'pascal_person_part'), options=_parts),
    'E6': dict(config=_sunet.format('pretrained_90e', 'pascal_person_part'), options=_parts),
    'E7': dict(config=_joint.format('raw_async_300e')),
    'E8': dict(config=_joint.format('pretrained_async_90e')),
    'E7 with plain SGD': dict(config=_joint.format('raw_sgd_300e')),
    'E8 with plain SGD': dict(config=_joint.format('pretrained_sgd_90e')),
}
metrics = {
    'loss': 'training loss',
    'semantic/val_loss': 'classes loss',
    'semantic/mIoU': 'classes mIoU',
    'part/val_loss': 'parts loss',
    'part/mIoU': 'parts mIoU',
}
