# HTC + RFP unrolled to three steps, ResNet-50, COCO, 12 epochs (001, Table 6-III, 'RFP + 3X').
#   tools/dist_train.sh configs/detectors/htc_rfp_3_steps.py 8
# Hardware: 8 GPUs x 2 images. Expected box AP on val2017: 47.5 (Table 6-III). Obtained: not run.
_base_ = './htc_rfp.py'

model = dict(neck=dict(rfp_steps=3))
