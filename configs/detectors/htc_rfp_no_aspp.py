# HTC + RFP that feeds the pyramid back as it is, ResNet-50, COCO, 12 epochs (001, Table 6-III,
# 'RFP - aspp').
#   tools/dist_train.sh configs/detectors/htc_rfp_no_aspp.py 8
# Hardware: 8 GPUs x 2 images. Expected box AP on val2017: 45.7 (Table 6-III). Obtained: not run.
_base_ = './htc_rfp.py'

model = dict(neck=dict(aspp=False))
