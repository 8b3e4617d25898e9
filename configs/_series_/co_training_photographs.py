# Deep Co-Training in small: photographs with 500 labels, tested on 1,000 others.
#   python tools/datasets/split_labels.py data/cifar10_5k/train --per-class 50 --seed 0 \
#       --out data/cifar10_labels/500_0.txt    (and with the seeds 1 and 2)
#   python tools/run_series.py configs/_series_/co_training_photographs.py
# Expected: both terms above the supervised row by more than the spread, and below all labels.
# Half the recipes' epochs: 612 steps.
_recipe = 'configs/co_training/{}_nano_photographs.py'
_labels = {'train_dataloader.dataset.labelled': 'data/cifar10_labels/500_{seed}.txt'}
_epochs = 24 // 2
options = {
    'train_cfg.max_epochs': _epochs,
    'train_cfg.val_interval': _epochs,
    'param_scheduler.T_max': _epochs,
    'custom_hooks.CoTrainingRampHook.epochs': 10 // 2,
    'default_hooks.checkpoint.interval': _epochs,
}
rows = {
    '500 labels': dict(config=_recipe.format('supervised'), options=_labels),
    '500 labels, both terms': dict(config=_recipe.format('two_views'), options=_labels),
    'all 5,085 labels': dict(config=_recipe.format('supervised_all')),
}
baseline = '500 labels'
metrics = {
    'views/mean': 'mean of the views',
    'views/ensemble': 'ensemble',
    'views/disagreement': 'disagreement',
}
