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
    test_cfg=dict(rcnn=dict(score_thr=0.05)),
)
