# VGG-19 for CIFAR: two poolings, no hidden linear layers (001, 5.4.4.2).
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.ConvVGG', depth=19, pool_after=(4, 10)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=512, topk=(1, 5)),
)
