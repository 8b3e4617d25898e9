# The trained detectors from which configs/_series_/detectors_context.py goes on, as the document's
# rows start from a trained backbone: the nano HTC with standardised weights, from scratch. Data and
# further commands stand there.
#   python tools/run_series.py configs/_series_/detectors_context_start.py --seeds 0 1 2 3
_iterations = 900

rows = {'HTC + WS': dict(config='configs/detectors/htc_ws_nano_context.py')}
options = {
    'train_cfg.max_iters': _iterations,
    'train_cfg.val_interval': _iterations,
    'param_scheduler.CosineAnnealingLR.end': _iterations,
    'param_scheduler.CosineAnnealingLR.T_max': _iterations,
    'default_hooks.checkpoint.interval': _iterations,
}
metrics = {
    'coco/bbox_mAP': 'box AP',
    'coco/bbox_mAP_50': 'box AP50',
    'coco/segm_mAP': 'mask AP',
    'coco/bbox_mAP_below_15': 'small',
    'coco/bbox_mAP_from_15_to_40': 'middle',
    'coco/bbox_mAP_above_40': 'large',
    'coco/bbox_mAP_half_hidden': 'hidden',
    'coco/bbox_mAP_partly_hidden': 'partly hidden',
    'coco/bbox_mAP_whole': 'whole',
}
