# Unlabelled images of classes that are not known: their share, and leaving out what the views are
# unsure of. 240 steps each, of 15 labelled and 65 unlabelled images.
#   python tools/run_series.py configs/_series_/co_training_foreign.py
_data = 'train_dataloader.dataset.'
# Share in percent: how often labelled images come, so that they are 3 of 16, and epochs
_shares = {'0': (3, 240 // 12), '25': (4, 240 // 16), '50': (6, 240 // 24)}
_uses = {'all': 0.0, 'sure ones': 0.8}

rows = {
    f'{share} % foreign, {use}': dict(
        config='configs/co_training/foreign_nano_digits.py',
        options={
            f'{_data}labelled': 'data/mnist_foreign/labelled_{seed}.txt',
            f'{_data}unlabelled.ann_file': f'mnist_foreign/u{share}_{{seed}}.txt',
            f'{_data}times': times,
            'model.min_confidence': confidence,
            'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': epochs,
            'param_scheduler.T_max': epochs,
            'custom_hooks.CoTrainingRampHook.epochs': epochs * 2 // 5,
            'default_hooks.checkpoint.interval': epochs,
        },
    )
    for share, (times, epochs) in _shares.items()
    for use, confidence in _uses.items()
}
pairs = [(f'{share} % foreign, sure ones', f'{share} % foreign, all') for share in _shares]
metrics = {'views/mean': 'mean of the views', 'views/ensemble': 'ensemble'}
