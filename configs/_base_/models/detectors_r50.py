# Backbone and neck of DetectoRS with ResNet-50. A recipe lists this file beside a detector and
# writes model = dict(backbone=_base_.detectors_backbone, neck=_base_.detectors_neck).
_detectors = dict(
    type='mmvisx.DetectoRSResNet',
    conv_cfg=dict(type='mmvisx.ConvAWS2d'),
    sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
    stage_with_sac=(False, True, True, True),
)

detectors_backbone = dict(output_img=True, **_detectors)
detectors_neck = dict(
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
        **_detectors,
    ),
)
