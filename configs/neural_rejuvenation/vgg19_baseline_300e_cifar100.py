# VGG-19, CIFAR-100, without rejuvenation: 20,081,188 parameters.
#   python tools/train.py configs/neural_rejuvenation/vgg19_baseline_300e_cifar100.py
# Hardware: one GPU. Expected: 23.11 % error (Table 5-IV, row 1; Table 5-V, row 0). Obtained: not
# run.
_base_ = [
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

# VGG-19 for CIFAR: two poolings, no hidden linear layers (001, 5.4.4.2). Scales start at a half, as
# in the published code.
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
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
    head=dict(type='LinearClsHead', num_classes=100, in_channels=512, topk=(1, 5)),
)
train_dataloader = dict(batch_size=64)
