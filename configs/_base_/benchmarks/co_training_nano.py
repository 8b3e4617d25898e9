# Co-training in small: two networks of four convolutions, ten classes, a 25th of the epochs. The
# weights rise for longer than a 25th of 80: 3 epochs of 21 steps are too few.
_base_ = '../classification_runtime.py'

view = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.FourConv', channels=24),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=24),
)
model = dict(
    type='mmvisx.CoTrainingClassifier',
    views=[view] * 2,
    lambda_cot=10.0,
    lambda_dif=0.5,
    step=0.02,
)

max_epochs = 600 // 25
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05 * 2, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=0)
custom_hooks = [*_base_.custom_hooks, dict(type='mmvisx.CoTrainingRampHook', epochs=10)]
default_hooks = dict(checkpoint=dict(interval=max_epochs))
