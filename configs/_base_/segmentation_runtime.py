# What segmentation recipes share that count iterations: mmseg's names, hooks and drawing.
_base_ = './default_runtime.py'
default_scope = 'mmseg'

default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=10000),
    logger=dict(log_metric_by_epoch=False),
    visualization=dict(_delete_=True, type='SegVisualizationHook'),
)
visualizer = dict(_delete_=True, type='SegLocalVisualizer', vis_backends=_base_.vis_backends)
log_processor = dict(by_epoch=False)
