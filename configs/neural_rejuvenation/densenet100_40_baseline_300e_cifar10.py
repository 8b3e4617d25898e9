# DenseNet-100-40, post-activation, CIFAR-10, without rejuvenation: 8,269,050 parameters.
#   python tools/train.py configs/neural_rejuvenation/densenet100_40_baseline_300e_cifar10.py
# Hardware: one GPU. Expected: 3.64 % error (Table 5-IV, row 3). Obtained: not run.
_base_ = [
    '../_base_/datasets/cifar10.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

# DenseNet-100-40 for CIFAR, each convolution followed by its norm (001, 5.4.4.2).
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.PostActivationDenseNet', arch='100_40'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=1140, topk=(1, 5)),
)
train_dataloader = dict(batch_size=64)
