# Baseline, RFP, SAC and both on the rendered shapes: two of the nano recipe's three epochs each,
# so 600 iterations of 4 images, from scratch (Table 6-II in small).
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/run_series.py configs/_series_/detectors_shapes.py
# The full-size baseline has plain convolutions and the others standardised ones, as the
# authors' code has; the row "HTC + WS" tells the two apart.
_epochs = 2
_nano = 'configs/detectors/{}_nano_shapes.py'

rows = {
    'HTC': dict(config=_nano.format('htc')),
    'HTC + WS': dict(
        config=_nano.format('htc'),
        options={'model.backbone.conv_cfg.type': 'mmvisx.ConvAWS2d'},
    ),
    'HTC + RFP': dict(config=_nano.format('htc_rfp')),
    'HTC + SAC': dict(config=_nano.format('htc_sac')),
    'DetectoRS': dict(config=_nano.format('htc_rfp_sac')),
}
options = {
    'train_cfg.max_epochs': _epochs,
    'train_cfg.val_interval': _epochs,
    'param_scheduler.1.end': _epochs,
    'param_scheduler.1.T_max': _epochs,
}
metrics = {
    'coco/bbox_mAP': 'box AP',
    'coco/bbox_mAP_50': 'box AP50',
    'coco/segm_mAP': 'mask AP',
    'coco/segm_mAP_50': 'mask AP50',
}
