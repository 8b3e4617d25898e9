# DetectoRS shrunk for a CPU: HTC with its semantic branch, RFP with 2 steps, SAC with deformable
# convolutions, trained from scratch on the rendered shapes.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/train.py configs/detectors/htc_rfp_sac_nano_shapes.py
# Hardware: two CPU cores, 7 minutes (`make demo` does both). Not in the document. Obtained on 200
# held-out images: box AP50 0.802, mask AP50 0.776 (one seed).
_base_ = [
    '../_base_/models/htc_r50_fpn.py',
    '../_base_/benchmarks/shapes_nano.py',
]

num_classes = 6
num_stuff = 4
channels = 64

detectors = dict(
    type='mmvisx.DetectoRSResNet',
    depth=14,
    base_channels=16,
    norm_eval=False,
    conv_cfg=dict(type='mmvisx.ConvAWS2d'),
    sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
)
# Objects are 18 to 64 pixels wide: two levels to look at, one sample per bin.
roi_extractor = dict(
    roi_layer=dict(sampling_ratio=1),
    out_channels=channels,
    featmap_strides=[4, 8],
    finest_scale=28,
)
rcnn_sampler = dict(
    type='RandomSampler', num=24, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=True
)
proposals = dict(nms_pre=200, max_per_img=100)

model = dict(
    backbone=dict(_delete_=True, output_img=True, **detectors),
    neck=dict(
        type='mmvisx.RecursiveFeaturePyramid',
        rfp_steps=2,
        rfp_backbone=dict(rfp_inplanes=channels, **detectors),
        aspp_out_channels=channels // 4,
        in_channels=[64, 128, 256, 512],
        out_channels=channels,
        num_outs=4,
    ),
    rpn_head=dict(
        in_channels=channels,
        feat_channels=channels,
        anchor_generator=dict(scales=[4], strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=roi_extractor,
        bbox_head=[
            dict(
                type='Shared2FCBBoxHead',
                in_channels=channels,
                fc_out_channels=256,
                roi_feat_size=7,
                num_classes=num_classes,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder', target_means=[0.0] * 4, target_stds=stds
                ),
                reg_class_agnostic=True,
                loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
            )
            for stds in (
                [0.1, 0.1, 0.2, 0.2],
                [0.05, 0.05, 0.1, 0.1],
                [0.033, 0.033, 0.067, 0.067],
            )
        ],
        mask_roi_extractor=dict(
            **{**roi_extractor, 'roi_layer': dict(output_size=10, sampling_ratio=1)}
        ),
        mask_head=[
            dict(
                type='HTCMaskHead',
                with_conv_res=stage > 0,
                num_convs=1,
                roi_feat_size=10,
                in_channels=channels,
                conv_out_channels=channels,
                num_classes=num_classes,
                loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.0),
            )
            for stage in range(3)
        ],
        semantic_roi_extractor=dict(
            roi_layer=dict(output_size=7, sampling_ratio=1), out_channels=channels
        ),
        semantic_head=dict(
            num_ins=4,
            num_convs=2,
            in_channels=channels,
            conv_out_channels=channels,
            num_classes=num_classes + num_stuff,
        ),
    ),
    train_cfg=dict(
        rpn=dict(assigner=dict(pos_iou_thr=0.6), sampler=dict(num=128), allowed_border=-1),
        rpn_proposal=proposals,
        rcnn=[
            dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=threshold,
                    neg_iou_thr=threshold,
                    min_pos_iou=threshold,
                    ignore_iof_thr=-1,
                ),
                sampler=rcnn_sampler,
                mask_size=20,
                pos_weight=-1,
                debug=False,
            )
            for threshold in (0.5, 0.6, 0.7)
        ],
    ),
    test_cfg=dict(rpn=proposals, rcnn=dict(score_thr=0.05, max_per_img=50)),
)

custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.002, update_buffers=True),
]
