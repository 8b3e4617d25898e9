# HTC + RFP whose steps share one backbone, ResNet-50, COCO, 12 epochs (001, Table 6-III,
# 'RFP + sharing').
#   tools/dist_train.sh configs/detectors/htc_rfp_sharing.py 8
# Hardware: 8 GPUs x 2 images. Expected box AP on val2017: 45.4 (Table 6-III). Obtained: not run.
_base_ = './htc_rfp.py'

model = dict(
    backbone=dict(output_img=False, rfp_sharing=True, rfp_inplanes=256),
    neck=dict(rfp_sharing=True, rfp_backbone=None),
)
