# Deep Co-Training of segmentors: two small FCN on ResNet-18, the rendered shapes, 10 images with
# label maps and 200 without.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
#   python tools/train.py configs/co_training/two_views_nano_shapes.py
# Hardware: one CPU core. Not in the document. Obtained: see docs/methods/co_training.md.
_base_ = [
    '../_base_/models/fcn_skip_r18.py',
    '../_base_/datasets/co_training_shapes.py',
    '../_base_/segmentation_runtime.py',
]

_single = _base_.model
view = dict(
    type='EncoderDecoder',
    # A quarter of the channels
    backbone=_single.backbone | dict(stem_channels=16, base_channels=16),
    decode_head=_single.decode_head | dict(num_classes=10, in_channels=[32, 64, 128]),
    test_cfg=_single.test_cfg,
)
model = dict(
    _delete_=True,
    type='mmvisx.CoTrainingSegmentor',
    views=[view] * 2,
    lambda_cot=10.0,
    lambda_dif=0.5,
    step=0.02,
    data_preprocessor=_single.data_preprocessor | dict(size=_base_.crop_size),
)

max_epochs = 200 // 10
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=0)
hooks = _base_.custom_hooks
custom_hooks = [*hooks, dict(type='mmvisx.CoTrainingRampHook', epochs=8)]
default_hooks = dict(
    logger=dict(interval=10, log_metric_by_epoch=True),
    checkpoint=dict(by_epoch=True, interval=max_epochs),
)
log_processor = dict(window_size=10, by_epoch=True)
