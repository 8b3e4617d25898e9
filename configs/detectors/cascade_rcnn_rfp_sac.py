# DetectoRS on Cascade R-CNN, ResNet-50, COCO boxes, 12 epochs.
#   tools/dist_train.sh configs/detectors/cascade_rcnn_rfp_sac.py 8
# Hardware: 8 GPUs x 2 images. Not in the document; expected box AP on val2017: 47.4 (mmdet's model
# zoo, the same settings). Obtained: not run.
_base_ = [
    '../_base_/models/htc_r50_fpn.py',
    '../_base_/models/detectors_r50.py',
    '../_base_/benchmarks/coco_detection_1x.py',
]

# HTC's boxes without its masks and stuff.
model = dict(
    type='CascadeRCNN',
    backbone=_base_.detectors_backbone,
    neck=_base_.detectors_neck,
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
