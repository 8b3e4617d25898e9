# HTC + SAC, ResNet-50, COCO, 12 epochs (001, Table 6-II, row 3).
#   tools/dist_train.sh configs/detectors/htc_sac.py 8
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on val2017: 46.3/40.4 (Table 6-II).
# Obtained: not run.
_base_ = './htc.py'

model = dict(
    backbone=dict(
        type='mmvisx.DetectoRSResNet',
        conv_cfg=dict(type='mmvisx.ConvAWS2d'),
        sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
        stage_with_sac=(False, True, True, True),
    ),
)
