# DetectoRS with ResNet-50 as in the main results: multi-scale training, 40 epochs, COCO (001,
# Tables 6-IV and 6-V).
#   tools/dist_train.sh configs/detectors/htc_rfp_sac_ms_40e.py 8
#   tools/dist_test.sh configs/detectors/htc_rfp_sac_ms_40e.py CHECKPOINT 8 --tta
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on test-dev: 51.3/44.4, with --tta 53.0/45.8
# (Tables 6-IV, 6-V). Obtained: not run.
_base_ = [
    '../_base_/models/htc_r50_fpn.py',
    '../_base_/models/detectors_r50.py',
    '../_base_/benchmarks/coco_1x.py',
]

model = dict(backbone=_base_.detectors_backbone, neck=_base_.detectors_neck)

# The short edge anywhere in [400, 1200], the long one at most 1333 (001, 6.5.1).
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, with_mask=True, with_seg=True),
    dict(type='RandomResize', scale=[(1333, 400), (1333, 1200)], keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# 40 epochs, drops after epochs 36 and 39 (001, 6.5.1, main results).
train_cfg = dict(max_epochs=40)
param_scheduler = [
    _base_.warm_up,
    dict(type='MultiStepLR', begin=0, end=40, by_epoch=True, milestones=[36, 39], gamma=0.1),
]
