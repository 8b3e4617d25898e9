# HTC, ResNet-50, COCO, 12 epochs: the chapter's baseline (001, Table 6-II, row 1).
#   tools/dist_train.sh configs/detectors/htc.py 8
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on val2017: 42.0/37.1 (Table 6-II).
# Obtained: not run.
_base_ = [
    '../_base_/models/htc_r50_fpn.py',
    '../_base_/benchmarks/coco_1x.py',
]
