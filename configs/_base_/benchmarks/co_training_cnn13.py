# 001, 3.2.5: two CNN-13 of 3,123,850 parameters each, ten classes, 600 epochs.
_base_ = '../classification_runtime.py'

view = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.CNN13'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=128),
)
model = dict(
    type='mmvisx.CoTrainingClassifier',
    views=[view] * 2,
    lambda_cot=10.0,
    lambda_dif=0.5,
    step=0.02,
)

# 0.05 (1 + cos((T - 1) pi / 600)) in the epoch T, from 1; the weights rise for 80
max_epochs = 600
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05 * 2, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=0)
hooks = [*_base_.custom_hooks, dict(type='mmvisx.CoTrainingRampHook', epochs=80)]
custom_hooks = [*hooks, dict(type='mmvisx.ViewMonitorHook', interval=50)]
default_hooks = dict(checkpoint=dict(interval=10))
