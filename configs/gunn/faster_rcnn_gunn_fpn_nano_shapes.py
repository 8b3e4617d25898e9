# Faster R-CNN on a small GUNN with FPN, from scratch, the rendered shapes: boxes.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/train.py configs/gunn/faster_rcnn_gunn_fpn_nano_shapes.py
# Hardware: two CPU cores, 8 minutes on a busy machine. Not in the document. Obtained: box AP 0.128,
# AP50 0.230 (one seed).
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/benchmarks/shapes_nano.py',
]

stages = ((32, 4, 2, 1), (48, 4, 2, 1), (64, 4, 2, 1), (64, 4, 2, 1))
channels = 48
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmvisx.GUNN',
        arch=stages,
        memory_efficient=False,
        out_indices=(0, 1, 2, 3),
    ),
    neck=dict(in_channels=[stage[0] for stage in stages], out_channels=channels, num_outs=4),
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
