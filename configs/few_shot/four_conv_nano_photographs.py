# The simple network on the 60 large classes of the photographs: makes the activations that few-shot
# classes are learnt from.
#   python tools/train.py configs/few_shot/four_conv_nano_photographs.py
# Hardware: two busy CPU cores, 16 minutes, with --amp 7. Not in the document.
# Obtained with --amp: 34.3 ± 1.1 % (three seeds; docs/methods/few_shot.md).
_base_ = ['../_base_/datasets/photographs.py', '../_base_/classification_runtime.py']

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.FourConv', channels=64),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=_base_.data_preprocessor.num_classes,
        in_channels=64,
        topk=(1, 5),
    ),
)

# 001, 2.2.4.2 and facts of its code: drops at a half and three quarters; 300 epochs there.
max_epochs = 40
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
)
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[max_epochs // 2, max_epochs * 3 // 4], gamma=0.1
)
default_hooks = dict(checkpoint=dict(interval=10))
