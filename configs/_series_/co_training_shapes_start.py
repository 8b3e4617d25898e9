# The trained segmentors from which configs/_series_/co_training_shapes.py goes on: two views side
# by side, with neither term between them. Data and labels stand there.
#   python tools/run_series.py configs/_series_/co_training_shapes_start.py
# 10 labelled images come 20 times an epoch, the 200 others once: (200 + 200) / 25 = 16 steps of 12
# or 13 labelled images and as many others.
_epochs = 400 // 16

rows = {
    'labels alone': dict(
        config='configs/co_training/two_views_nano_shapes.py',
        options={'model.lambda_cot': 0.0, 'model.lambda_dif': 0.0},
    )
}
options = {
    'train_dataloader.dataset.labelled': 'data/shapes_labels/10_{seed}.txt',
    'train_dataloader.dataset.times': 20,
    'train_cfg.max_epochs': _epochs,
    'train_cfg.val_interval': _epochs,
    'param_scheduler.T_max': _epochs,
    'default_hooks.checkpoint.interval': _epochs,
}
metrics = {'views/mean': 'mean of the views', 'views/ensemble': 'ensemble'}
