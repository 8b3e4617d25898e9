# ViP-DeepLab in small: a ResNet-18 of half the width on rendered clips, 12 epochs of 42 steps.
#   python tools/datasets/make_shapes_video.py --out data/shapes_video
#   python tools/train.py configs/vip_deeplab/vip_deeplab_nano_shapes.py
#   python tools/test.py configs/vip_deeplab/vip_deeplab_nano_shapes.py \
#       work_dirs/vip_deeplab_nano_shapes/epoch_12.pth
# Hardware: one CPU core. Not in the document. Goals: VPQ of one frame 0.55, absRel 0.15, DVPQ 0.35.
# Obtained: 0.653, 0.151 and 0.399 (one seed), see docs/methods/vip_deeplab.md.
_base_ = [
    '../_base_/runtime_without_classes.py',
    '../_base_/schedules/schedule_nano.py',
    '../_base_/datasets/vip_deeplab_shapes.py',
]

decoder = dict(context_channels=64, dilations=(1, 2, 3))
model = dict(
    type='mmvisx.ViPDeepLab',
    data_preprocessor=dict(
        type='mmvisx.FramePreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    # Stride 16: the last stage is dilated.
    backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        base_channels=32,
        stem_channels=32,
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        out_indices=(0, 1, 3),
        norm_eval=False,
    ),
    num_classes=8,
    in_channels=(32, 64, 256),
    in_strides=(4, 8, 16),
    semantic=dict(decoder, projections=(32, 16), channels=64, head_channels=64),
    instance=dict(decoder, projections=(32, 16), channels=64, head_channels=32),
    next_frame=dict(decoder, projections=(32, 16), channels=64, head_channels=32, num_modules=4),
    depth_head=dict(channels=32, max_depth=60.0),
    test_cfg=dict(thing_labels=(0, 1, 2, 3), centre_window=7),
)

max_epochs = 12
train_cfg = dict(max_epochs=max_epochs, val_interval=3)
warm_up, cosine = _base_.param_scheduler
param_scheduler = [warm_up, dict(cosine, end=max_epochs, T_max=max_epochs)]
default_hooks = dict(checkpoint=dict(interval=3))
