# ResNet-18-D with a quarter of the channels and a stem for 32x32, the 1,500 PNGs of CIFAR-10.
#   python tools/train.py configs/bag_of_tricks/resnet18_d_nano_cifar10.py
# Hardware: one CPU core, 11 minutes beside other work. Not in the document. Obtained: top-1 54.5,
# top-5 93.7 on the 1,000 test PNGs (one seed).
_base_ = ['../_base_/datasets/cifar10_png.py', '../_base_/classification_runtime.py']

channels = 16
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(
        type='mmvisx.ResNetTweak',
        depth=18,
        variant='d',
        small_input=True,
        stem_channels=channels,
        base_channels=channels,
        init_cfg=dict(type='Xavier', layer='Conv2d', distribution='uniform'),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=8 * channels,
        topk=(1, 5),
        init_cfg=dict(type='Xavier', layer='Linear', distribution='uniform'),
    ),
)

# The chapter's "efficient" recipe at a quarter of its length: warm-up, then step decay at a
# quarter, half and three quarters.
max_epochs = 30
warmup_epochs = 2
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(
        type='mmvisx.LinearWarmupLR',
        by_epoch=True,
        begin=0,
        end=warmup_epochs,
        convert_to_iter_based=True,
    ),
    # Counted from the end of the warm-up.
    dict(type='MultiStepLR', by_epoch=True, begin=warmup_epochs, milestones=[7, 14, 21], gamma=0.1),
]
