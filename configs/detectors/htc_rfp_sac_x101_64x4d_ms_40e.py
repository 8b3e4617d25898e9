# DetectoRS with ResNeXt-101-64x4d as in the main results: multi-scale training, 40 epochs, COCO,
# Soft-NMS (001, Tables 6-IV and 6-V).
#   tools/dist_train.sh configs/detectors/htc_rfp_sac_x101_64x4d_ms_40e.py 8
#   tools/dist_test.sh configs/detectors/htc_rfp_sac_x101_64x4d_ms_40e.py CHECKPOINT 8 --tta
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on test-dev: with --tta 55.7/48.5
# (Tables 6-IV, 6-V). Obtained: not run.
_base_ = './htc_rfp_sac_ms_40e.py'

resnext = dict(
    type='mmvisx.DetectoRSResNeXt',
    depth=101,
    groups=64,
    base_width=4,
    init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnext101_64x4d'),
)

model = dict(
    backbone=resnext,
    neck=dict(rfp_backbone=resnext),
    test_cfg=dict(rcnn=dict(nms=dict(type='soft_nms'))),
)
tta_model = dict(tta_cfg=dict(nms=dict(type='soft_nms')))
