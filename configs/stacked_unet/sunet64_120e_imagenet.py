# SUNet-64, ImageNet, 120 epochs: 6,910,248 parameters (002, 4.1: 6.9M).
#   tools/dist_train.sh configs/stacked_unet/sunet64_120e_imagenet.py 8
# Hardware: 8 GPUs x 128 images. The document takes pretrained weights and says nothing of their
# training; the schedule is that of 000, 2.5.1. No number of it is known. Obtained: not run.
_base_ = [
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.cosine
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.StackedUNet', arch='sunet64'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=1024,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
        topk=(1, 5),
    ),
)
