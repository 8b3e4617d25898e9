# VGG-11 with an eighth of the channels, the 1,500 PNGs of CIFAR-10 at half their size, without
# rejuvenation.
#   python tools/train.py configs/neural_rejuvenation/vgg11_nano_cifar10.py
# Hardware: one CPU core, less than a minute. Not in the document. Obtained:
# top-1 51.30 ± 2.34, three seeds.
_base_ = [
    '../_base_/datasets/cifar10_png.py',
    '../_base_/schedules/neural_rejuvenation_nano.py',
    '../_base_/classification_runtime.py',
]

channels = 8
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(
        type='mmvisx.ConvVGG',
        depth=11,
        base_channels=channels,
        pool_after=(2, 4),
        init_cfg=_base_.half_scales,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=8 * channels, topk=(1, 5)),
)

# 32x32 takes four times as long.
resize = dict(type='Resize', scale=16, interpolation='area')
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=[*_base_.train_pipeline[:-1], resize, _base_.train_pipeline[-1]]),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=[*_base_.test_pipeline[:-1], resize, _base_.test_pipeline[-1]]),
)
test_dataloader = val_dataloader
