# What segmentation recipes share that count epochs; the best epoch's weights are kept, as 002
# reports that epoch's.
_base_ = './segmentation_runtime.py'

default_hooks = dict(
    checkpoint=dict(by_epoch=True, interval=10, max_keep_ckpts=1, save_best='mIoU', rule='greater'),
    logger=dict(log_metric_by_epoch=True),
)
log_processor = dict(by_epoch=True)
