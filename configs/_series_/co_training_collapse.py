# Do two views collapse into one? Digits with 100 labels, watched once an epoch of 21 steps.
#   python tools/datasets/split_labels.py data/mnist_png/train --per-class 10 --seed 0 \
#       --out data/mnist_labels/100_0.txt    (and with the seeds 1 and 2)
#   python tools/run_series.py configs/_series_/co_training_collapse.py
#   python tools/analysis/co_training_curves.py work_dirs/co_training_collapse --what fooling
# Expected, before any run: views of one start and the same images ("equal") set off the alarm,
# since nothing tells them apart; with different starts and images they do not, also without L_dif,
# in so short a training. With L_dif transferred fooling falls over the training, without
# it does not.
_config = 'configs/co_training/two_views_nano_digits.py'
_hooks = [
    dict(type='mmvisx.CheckFiniteLossHook'),
    dict(type='mmvisx.RandomStateHook'),
    dict(type='mmvisx.ClassCountHook'),
    dict(type='mmvisx.CoTrainingRampHook', epochs=10),
    dict(type='mmvisx.ViewMonitorHook', interval=21),
]
_agreement = {'model.lambda_dif': 0.0}

options = {
    'train_dataloader.dataset.labelled': 'data/mnist_labels/100_{seed}.txt',
    'train_cfg.val_interval': 4,
    'custom_hooks': _hooks,
}
rows = {
    'equal views, L_cot': dict(
        config=_config,
        options={**_agreement, 'custom_hooks': [*_hooks, dict(type='mmvisx.EqualViewsHook')]},
    ),
    'L_cot': dict(config=_config, options=_agreement),
    'both': dict(config=_config),
}
pairs = [('L_cot', 'equal views, L_cot'), ('both', 'L_cot')]
metrics = {
    'views/mean': 'mean of the views',
    'view_monitor.own_fooling': 'own fooling',
    'view_monitor.transferred_fooling': 'transferred fooling',
    'view_monitor.dif': 'L_dif',
    'view_monitor.dif_kl': 'its KL part',
    'view_monitor.disagreement': 'disagreement',
    'view_monitor.jsd': 'JSD',
}
