# Faster R-CNN on a small Stacked U-Net with FPN, from scratch, the rendered shapes: boxes.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/train.py configs/stacked_unet/faster_rcnn_sunet_fpn_nano_shapes.py
# Hardware: two CPU cores. Not in the document. Obtained: not run.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/benchmarks/shapes_nano.py',
]

widths = (32, 48, 64, 64)
channels = 48
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmvisx.StackedUNet',
        arch=dict(filters=16, modules=(1, 2, 2, 1), channels=widths, stem_channels=16),
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', momentum=0.1),
    ),
    neck=dict(in_channels=list(widths), out_channels=channels, num_outs=4),
    rpn_head=dict(
        in_channels=channels,
        feat_channels=channels,
        anchor_generator=dict(scales=[4], strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=channels, featmap_strides=[4, 8], finest_scale=28),
        bbox_head=dict(in_channels=channels, fc_out_channels=128, num_classes=6),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(sampler=dict(num=48)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=100), rcnn=dict(max_per_img=30)),
)

val_evaluator = dict(metric='bbox')
test_evaluator = val_evaluator
