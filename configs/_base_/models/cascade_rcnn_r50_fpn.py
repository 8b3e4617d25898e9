# Cascade R-CNN with ResNet-50 and FPN for COCO: HTC's boxes without its masks and stuff.
_base_ = './htc_r50_fpn.py'

model = dict(
    type='CascadeRCNN',
    data_preprocessor=dict(pad_seg=False),
    roi_head=dict(
        _delete_=True,
        type='CascadeRoIHead',
        num_stages=3,
        stage_loss_weights=[1, 0.5, 0.25],
        bbox_roi_extractor=_base_.model.roi_head.bbox_roi_extractor,
        bbox_head=_base_.model.roi_head.bbox_head,
    ),
    train_cfg=dict(
        rcnn=[
            dict(
                {key: value for key, value in stage.items() if key != 'mask_size'},
                assigner=dict(stage.assigner, match_low_quality=False),
            )
            for stage in _base_.model.train_cfg.rcnn
        ]
    ),
    test_cfg=dict(
        rcnn=dict(
            _delete_=True,
            score_thr=0.05,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=100,
        )
    ),
)
