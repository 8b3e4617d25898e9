# HTC + SAC with plain convolutions whose second branch has a weight of its own, ResNet-50, COCO,
# 12 epochs (001, Table 6-III, 'SAC - DCN - locking').
#   tools/dist_train.sh configs/detectors/htc_sac_no_dcn_no_locking.py 8
# Hardware: 8 GPUs x 2 images. Expected box AP on val2017: 44.7 (Table 6-III). Obtained: not run.
_base_ = './htc_sac.py'

model = dict(backbone=dict(sac=dict(use_deform=False, lock_weights=False)))
