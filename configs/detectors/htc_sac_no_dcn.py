# HTC + SAC with plain convolutions, ResNet-50, COCO, 12 epochs (001, Table 6-III, 'SAC - DCN').
#   tools/dist_train.sh configs/detectors/htc_sac_no_dcn.py 8
# Hardware: 8 GPUs x 2 images. Expected box AP on val2017: 45.3 (Table 6-III). Obtained: not run.
_base_ = './htc_sac.py'

model = dict(backbone=dict(sac=dict(use_deform=False)))
