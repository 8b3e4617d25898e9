# Nano twin of faster_rcnn_resnet50_voc0712.py: trains from scratch on the shapes in VOC
# layout, on a CPU.
#   python tools/datasets/make_shapes.py
#   python tools/train.py configs/voc/faster_rcnn_resnet18_nano_shapes.py
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/datasets/shapes_voc.py',
    '../_base_/schedules/schedule_nano.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(depth=18, base_channels=16, frozen_stages=-1, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=48, num_outs=4),
    rpn_head=dict(
        in_channels=48,
        feat_channels=48,
        anchor_generator=dict(scales=[4], strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=48, featmap_strides=[4, 8], finest_scale=28),
        bbox_head=dict(in_channels=48, fc_out_channels=128, num_classes=6),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(sampler=dict(num=48)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=100), rcnn=dict(max_per_img=30)),
)
