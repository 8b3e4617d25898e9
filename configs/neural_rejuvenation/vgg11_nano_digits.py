# VGG-11 with an eighth of the channels, scikit-learn's 8x8 digits, without rejuvenation.
#   python tools/datasets/digits_to_folder.py
#   python tools/train.py configs/neural_rejuvenation/vgg11_nano_digits.py
# Hardware: one CPU core, less than a minute. Not in the document. Obtained: see
# configs/_series_/neural_rejuvenation_digits.py.
_base_ = [
    '../_base_/datasets/digits_png.py',
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

train_dataloader = dict(batch_size=32)
