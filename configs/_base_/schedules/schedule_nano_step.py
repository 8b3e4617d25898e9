# AdamW with a warm-up and the classic steps (to a tenth after 2/3 and again after 11/12 of the
# training), for trainings from scratch of a minute: what freebies are compared with.
max_epochs = 4
iterations = max_epochs * 150  # 1200 images, 8 at a time
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
warm_up = dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50)
param_scheduler = [
    warm_up,
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=iterations,
        milestones=[2 * iterations // 3, 11 * iterations // 12],
        gamma=0.1,
    ),
]
