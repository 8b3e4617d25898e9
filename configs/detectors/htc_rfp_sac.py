# DetectoRS: HTC + RFP + SAC, ResNet-50, COCO, 12 epochs (001, Table 6-II, row 4).
#   tools/train.py configs/detectors/htc_rfp_sac.py              (one GPU; add --auto-scale-lr)
#   tools/dist_train.sh configs/detectors/htc_rfp_sac.py 8
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on val2017: 49.0/42.1 (Table 6-II).
# Obtained: not run.
_base_ = [
    '../_base_/models/htc_r50_fpn.py',
    '../_base_/models/detectors_r50.py',
    '../_base_/benchmarks/coco_1x.py',
]

model = dict(backbone=_base_.detectors_backbone, neck=_base_.detectors_neck)
