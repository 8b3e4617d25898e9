# Deep Co-Training, two ResNet-18 trained by supervised_r18_600e_imagenet.py with two seeds, 10 % of
# ImageNet's labels.
#   python tools/train.py configs/co_training/two_views_r18_20e_imagenet.py
# Hardware: 1 GPU. Expected: 46.50 % and 22.73 % error, views/mean 53.50, views/mean_top5 77.27
# (Table 3-III). Obtained: not run.
_base_ = [
    '../_base_/datasets/co_training_imagenet.py',
    '../_base_/classification_runtime.py',
]

first_phase = 'work_dirs/imagenet_tenth_{}/epoch_600.pth'
views = [
    dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=18),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=1000, in_channels=512),
        init_cfg=dict(type='Pretrained', checkpoint=first_phase.format(seed)),
    )
    for seed in (0, 1)
]
# At once with their full weights, since the views are trained
model = dict(
    type='mmvisx.CoTrainingClassifier',
    views=views,
    lambda_cot=1.0,
    lambda_dif=0.1,
    step=0.02,
    data_preprocessor=_base_.data_preprocessor,
)
custom_hooks = [*_base_.custom_hooks, dict(type='mmvisx.ViewMonitorHook', interval=50)]

# 3.2.5.3: 0.005 (1 + cos((T - 1) pi / 20)) in the epoch T, from 1
max_epochs = 20
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.005 * 2, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=0)
