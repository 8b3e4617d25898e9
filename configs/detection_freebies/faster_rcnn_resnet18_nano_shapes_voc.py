# Nano twin of the baseline of Table 5.3: Faster R-CNN with a small ResNet-18, trained from scratch
# on the rendered shapes, on a CPU.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/train.py configs/detection_freebies/faster_rcnn_resnet18_nano_shapes_voc.py
# Hardware: one CPU core, about a minute. Obtained: mAP (11 points) 19.4 +- 1.6
# on 200 held-out images (three seeds, 2 epochs), far from trained out: to try things only.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/benchmarks/shapes_voc_mix_nano.py',
]

max_epochs = 2
iterations = max_epochs * 150  # 1200 images, 8 at a time
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    _base_.warm_up,
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=iterations,
        milestones=[2 * iterations // 3, 11 * iterations // 12],
        gamma=0.1,
    ),
]

model = dict(
    backbone=dict(
        depth=18,
        base_channels=16,
        frozen_stages=-1,
        norm_eval=False,
        zero_init_residual=False,
        init_cfg=None,
    ),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=32, num_outs=4),
    rpn_head=dict(
        in_channels=32,
        feat_channels=32,
        anchor_generator=dict(scales=[4], strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            roi_layer=dict(sampling_ratio=1),
            out_channels=32,
            featmap_strides=[4, 8],
            finest_scale=28,
        ),
        bbox_head=dict(in_channels=32, fc_out_channels=128, num_classes=6),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=60),
        rcnn=dict(sampler=dict(num=32)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=60), rcnn=dict(score_thr=0.01, max_per_img=50)),
)
