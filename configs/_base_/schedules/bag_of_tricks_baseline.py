# The baseline of 000, 2.2.1: 256 images a step, 120 epochs, a tenth of the rate after 30, 60 and
# 90, weight decay on everything, float32.
batch_size = 256
max_epochs = 120
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='SGD', lr=0.1 * batch_size / 256, momentum=0.9, nesterov=True, weight_decay=1e-4
    ),
)
param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        milestones=[30, 60, 90],
        gamma=0.1,
    ),
]
# The same after 5 epochs of linear warm-up, which are part of the 120 (000, 2.3.1).
warmup_epochs = 5
with_warm_up = [
    dict(
        type='mmvisx.LinearWarmupLR',
        by_epoch=True,
        begin=0,
        end=warmup_epochs,
        convert_to_iter_based=True,
    ),
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
auto_scale_lr = dict(enable=False, base_batch_size=batch_size)
