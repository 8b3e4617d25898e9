# HTC + RFP, ResNet-50, COCO, 12 epochs (001, Table 6-II, row 2).
#   tools/dist_train.sh configs/detectors/htc_rfp.py 8
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on val2017: 46.2/40.4 (Table 6-II).
# Obtained: not run.
_base_ = './htc.py'

conv_cfg = dict(type='mmvisx.ConvAWS2d')

model = dict(
    backbone=dict(type='mmvisx.DetectoRSResNet', conv_cfg=conv_cfg, output_img=True),
    neck=dict(
        type='mmvisx.RecursiveFeaturePyramid',
        rfp_steps=2,
        aspp_out_channels=64,
        aspp_dilations=(1, 3, 6, 1),
        rfp_backbone=dict(
            type='mmvisx.DetectoRSResNet',
            rfp_inplanes=256,
            depth=50,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            frozen_stages=1,
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=True,
            conv_cfg=conv_cfg,
            style='pytorch',
            init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
        ),
    ),
)
