# ResNet-164 for CIFAR (001, Table 5-IV). A residual branch that starts with a scale of 0, as
# mmpretrain's, would leave the penalty on the scales before it without an adversary.
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.CifarBottleneckResNet', depth=164, zero_init_residual=False),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=256, topk=(1, 5)),
)
