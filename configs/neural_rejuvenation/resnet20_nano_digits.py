# ResNet-20 of bottlenecks with half of the channels, scikit-learn's 8x8 digits, without
# rejuvenation.
#   python tools/datasets/digits_to_folder.py
#   python tools/train.py configs/neural_rejuvenation/resnet20_nano_digits.py
# Hardware: one CPU core, less than a minute. Not in the document. Obtained: see
# configs/_series_/neural_rejuvenation_digits.py.
_base_ = [
    '../_base_/datasets/digits_png.py',
    '../_base_/schedules/neural_rejuvenation_nano.py',
    '../_base_/classification_runtime.py',
]

channels = 8  # inside the first stage's bottlenecks
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(
        type='mmvisx.CifarBottleneckResNet',
        depth=20,
        stem_channels=channels,
        base_channels=channels,
        zero_init_residual=False,
        init_cfg=_base_.half_scales,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=16 * channels, topk=(1, 5)),
)

train_dataloader = dict(batch_size=32)
