# Raw models of the first series (002, Table 6.1): SGD, 300 epochs of batches of 10, and the cosine
# of Eq. 6.3 at every iteration. The equation as printed would multiply the rate again and again;
# lr * 0.5 * (1 + cos(pi * iteration / iterations)) is meant.
max_epochs = 300
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=5e-3, momentum=0.9, weight_decay=5e-4),
)
cosine = dict(
    type='CosineAnnealingLR',
    by_epoch=True,
    begin=0,
    end=max_epochs,
    T_max=max_epochs,
    eta_min=0,
    convert_to_iter_based=True,
)
param_scheduler = [cosine]
# For pretrained models: the pretrained part at a tenth of the rate.
slow_backbone = dict(custom_keys=dict(backbone=dict(lr_mult=0.1)))
auto_scale_lr = dict(enable=False, base_batch_size=10)
# "We set the random seed manually and fix it to zero for all experiments" (6.1).
randomness = dict(seed=0)

# The runtime; the best epoch's weights are kept, as 002 reports that epoch's.
default_scope = 'mmseg'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=True),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook',
        by_epoch=True,
        interval=10,
        max_keep_ckpts=1,
        save_best='mIoU',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
)
custom_hooks = [
    dict(type='mmvisx.CheckFiniteLossHook'),
    # mmengine's checkpoints hold no random state; a resumed run must not differ.
    dict(type='mmvisx.RandomStateHook'),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)

log_level = 'INFO'
load_from = None
resume = False
