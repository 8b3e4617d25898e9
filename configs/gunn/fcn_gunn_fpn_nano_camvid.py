# FCN on a small GUNN with FPN, from scratch, a few images of CamVid in data/camvid.
#   python tools/train.py configs/gunn/fcn_gunn_fpn_nano_camvid.py
# Hardware: one CPU core, 6 minutes on a busy machine. Not in the document. Obtained: mIoU 26.0 on 4
# images after training on 14 (one seed).
_base_ = [
    '../_base_/models/fcn_gunn18_fpn.py',
    '../_base_/datasets/camvid_nano.py',
    '../_base_/segmentation_runtime.py',
]

stages = ((48, 4, 2, 1), (64, 4, 2, 1), (96, 6, 2, 1), (96, 6, 2, 1))
channels = 32
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(arch=stages, memory_efficient=False, init_cfg=None),
    neck=dict(in_channels=[stage[0] for stage in stages], out_channels=channels),
    decode_head=dict(in_channels=[channels] * 4, channels=channels, num_classes=11),
)

# With 14 images a street should not look the same twice.
train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.9, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=_base_.crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

max_iters = 300
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=100)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type='PolyLR', eta_min=0, power=0.9, begin=20, end=max_iters, by_epoch=False),
]
default_hooks = dict(checkpoint=dict(interval=max_iters))
