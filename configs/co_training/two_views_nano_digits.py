# Deep Co-Training in small: two CNN-13 of an eighth of the width, digits with 100 labels.
#   python tools/train.py configs/co_training/two_views_nano_digits.py
# Hardware: one CPU core, a few minutes. Not in the document. Obtained: not run.
_base_ = ['../_base_/datasets/co_training_digits.py', '../_base_/classification_runtime.py']

view = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.CNN13', width=1 / 8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=128 // 8),
)
model = dict(
    type='mmvisx.CoTrainingClassifier',
    views=[view] * 2,
    lambda_cot=10.0,
    lambda_dif=0.5,
    step=0.02,
    data_preprocessor=_base_.data_preprocessor,
)

# A twentieth of the chapter's epochs, of 20 steps each
max_epochs = 600 // 20
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05 * 2, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=0)
custom_hooks = [*_base_.custom_hooks, dict(type='mmvisx.CoTrainingRampHook', epochs=80 // 20)]
default_hooks = dict(checkpoint=dict(interval=10))
