# GUNN-15 with a fifth of the channels and of the segments, on 5,085 PNGs of CIFAR-10 at half their
# size (data/cifar10_5k/train, class folders): 136,050 parameters.
#   python tools/train.py configs/gunn/gunn15_nano_cifar10.py
# Hardware: one GPU, time not measured. Not in the document. Obtained: not run
# (a row of configs/_series_/gunn_cifar10.py).
_base_ = ['../_base_/datasets/cifar10_png.py', '../_base_/classification_runtime.py']

stages = ((48, 4, 2, 1), (60, 5, 2, 1), (72, 6, 2, 1))  # of GUNN-15: 240, 20; 300, 25; 360, 30
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(
        type='mmvisx.GUNN',
        arch=stages,
        stem='cifar',
        final_channels=stages[-1][0],
        # Maps this small are kept rather than computed again.
        memory_efficient=False,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=stages[-1][0], topk=(1, 5)),
)

# 32x32 takes four times as long.
resize = dict(type='Resize', scale=16, interpolation='area')
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root='data/cifar10_5k/',
        pipeline=[*_base_.train_pipeline[:-1], resize, _base_.train_pipeline[-1]],
    ),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=[*_base_.test_pipeline[:-1], resize, _base_.test_pipeline[-1]]),
)
test_dataloader = val_dataloader

# The document's 300 epochs with drops at half and three quarters, at a tenth of their length.
max_epochs = 32
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=8)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[max_epochs // 2, max_epochs * 3 // 4], gamma=0.1
)
default_hooks = dict(logger=dict(interval=10))
