# "Efficient" training (000, 2.3): 1,024 images a step at 4 times the rate, warm-up, no decay of
# biases and norms, float16. Zero gamma is the model's.
batch_size = 1024
max_epochs = 120
warmup_epochs = 5
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(
        type='SGD', lr=0.1 * batch_size / 256, momentum=0.9, nesterov=True, weight_decay=1e-4
    ),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
warm_up = dict(
    type='mmvisx.LinearWarmupLR',
    by_epoch=True,
    begin=0,
    end=warmup_epochs,
    convert_to_iter_based=True,
)
param_scheduler = [
    warm_up,
    # Milestones count from `begin`, the end of the warm-up.
    dict(
        type='MultiStepLR',
        by_epoch=True,
        begin=warmup_epochs,
        end=max_epochs,
        milestones=[30, 60, 90],
        gamma=0.1,
    ),
]
# One half wave of the cosine after the warm-up (000, Eq. 2.1), and that of the 200 epochs that
# mixup takes (2.5.5): a recipe chooses one as its param_scheduler.
cosine, cosine_200e = (
    [
        warm_up,
        dict(
            type='CosineAnnealingLR',
            by_epoch=True,
            begin=warmup_epochs,
            end=epochs,
            T_max=epochs - warmup_epochs,
            eta_min=0,
            convert_to_iter_based=True,
        ),
    ]
    for epochs in (max_epochs, 200)
)
auto_scale_lr = dict(enable=False, base_batch_size=batch_size)
