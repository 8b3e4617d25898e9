# DetectoRS: HTC + RFP + SAC, ResNet-50, COCO, 12 epochs (001, Table 6-II, row 4).
#   tools/train.py configs/detectors/htc_rfp_sac.py              (one GPU; add --auto-scale-lr)
#   tools/dist_train.sh configs/detectors/htc_rfp_sac.py 8
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on val2017: 49.0/42.1 (Table 6-II).
# Obtained: not run.
_base_ = './htc.py'

detectors = dict(
    type='mmvisx.DetectoRSResNet',
    conv_cfg=dict(type='mmvisx.ConvAWS2d'),
    sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
    stage_with_sac=(False, True, True, True),
)

model = dict(
    backbone=dict(output_img=True, **detectors),
    neck=dict(
        type='mmvisx.RecursiveFeaturePyramid',
        rfp_steps=2,
        aspp_out_channels=64,
        aspp_dilations=(1, 3, 6, 1),
        rfp_backbone=dict(
            rfp_inplanes=256,
            depth=50,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            frozen_stages=1,
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=True,
            style='pytorch',
            init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
            **detectors,
        ),
    ),
)
