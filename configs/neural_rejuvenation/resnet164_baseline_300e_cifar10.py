# ResNet-164, CIFAR-10, without rejuvenation: 1,704,154 parameters.
#   python tools/train.py configs/neural_rejuvenation/resnet164_baseline_300e_cifar10.py
# Hardware: one GPU. Expected: 6.11 % error (Table 5-IV, row 2). Obtained: not run.
_base_ = [
    '../_base_/datasets/cifar10.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

# ResNet-164 for CIFAR (001, Table 5-IV). A residual branch that starts with a scale of 0, as
# mmpretrain's, would leave the penalty on the scales before it without an adversary.
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.CifarBottleneckResNet', depth=164, zero_init_residual=False),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=256, topk=(1, 5)),
)
train_dataloader = dict(batch_size=64)
