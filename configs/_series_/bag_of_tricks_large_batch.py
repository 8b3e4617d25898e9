# Table 2.4 in small: what a large batch needs. ResNet-50-A with 16 channels on the 1,500 + 1,000
# PNGs of CIFAR-10, 24 epochs; 256 images at 0.8, beside 32 at 0.1. Rows stack up from "linear
# scaling" on.
# Expected, before the series was run: at this rate the scaled training fails (10 % is chance) or
# stays far below the small batch; warm-up alone does not mend a network this deep with so few steps
# (120); zero gamma, with which every block starts as the identity, mends most of it. No bias decay
# changes less than the spread (1e-4 for 120 steps is next to nothing), float16 nothing. A pilot of
# two seeds gave 10.0/10.0, with warm-up 9.8/11.9, with zero gamma 30.9/27.9.
#   python tools/run_series.py configs/_series_/bag_of_tricks_large_batch.py --seeds 0 1 2 3 4
_config = 'configs/bag_of_tricks/resnet50_a_nano_cifar10.py'
_epochs, _warmup = 24, 1  # 5 of the chapter's 120
options = {
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'val_dataloader.num_workers': 0,
    'val_dataloader.persistent_workers': False,
}
_warm_up = {
    'param_scheduler': [
        dict(
            type='mmvisx.LinearWarmupLR',
            by_epoch=True,
            begin=0,
            end=_warmup,
            convert_to_iter_based=True,
        ),
        dict(
            type='MultiStepLR',
            by_epoch=True,
            begin=_warmup,
            end=_epochs,
            milestones=[6, 12, 18],
            gamma=0.1,
        ),
    ]
}
_zero_gamma = {**_warm_up, 'model.backbone.zero_init_residual': True}
_no_decay = {
    **_zero_gamma,
    'optim_wrapper.paramwise_cfg': dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
}
_float16 = {
    **_no_decay,
    'optim_wrapper.type': 'AmpOptimWrapper',
    'optim_wrapper.loss_scale': 'dynamic',
}
_small = {'train_dataloader.batch_size': 32, 'optim_wrapper.optimizer.lr': 0.1}
rows = {
    'linear scaling': dict(config=_config),
    '+ warm-up': dict(config=_config, options=_warm_up),
    '+ zero gamma': dict(config=_config, options=_zero_gamma),
    '+ no bias decay': dict(config=_config, options=_no_decay),
    '+ float16': dict(config=_config, options=_float16),
    'small batch': dict(config=_config, options=_small),
    'small batch, warm-up, zero gamma': dict(
        config=_config,
        options={**_zero_gamma, **_small},
    ),
}
pairs = [
    ('+ warm-up', 'linear scaling'),
    ('+ zero gamma', '+ warm-up'),
    ('+ no bias decay', '+ zero gamma'),
    ('+ float16', '+ no bias decay'),
    ('+ zero gamma', 'small batch'),
    ('small batch, warm-up, zero gamma', 'small batch'),
    ('+ zero gamma', 'small batch, warm-up, zero gamma'),
]
metrics = {'accuracy/top1': 'top-1', 'accuracy/top5': 'top-5', 'loss': 'last loss'}
