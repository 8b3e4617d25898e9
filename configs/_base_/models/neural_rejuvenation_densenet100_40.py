# DenseNet-100-40 for CIFAR, each convolution followed by its norm (001, 5.4.4.2).
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.PostActivationDenseNet', arch='100_40'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=1140, topk=(1, 5)),
)
