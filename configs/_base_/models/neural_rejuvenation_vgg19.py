# VGG-19 for CIFAR: two poolings, no hidden linear layers (001, 5.4.4.2). Scales start at a half, as
# in the published code.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='mmvisx.ConvVGG',
        depth=19,
        pool_after=(4, 10),
        init_cfg=[
            dict(type='Kaiming', layer='Conv2d'),
            dict(type='Constant', layer='_BatchNorm', val=0.5),
        ],
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=512, topk=(1, 5)),
)
