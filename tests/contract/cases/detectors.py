"""Contract cases of detectors."""

from tests.contract.case import IMAGE, MAPS, ModelCase

BACKBONE = dict(
    depth=14,
    base_channels=8,
    stem_channels=8,
    norm_eval=False,
    conv_cfg=dict(type='mmvisx.ConvAWS2d'),
    sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
)

PYRAMID = [(2, 16, 64 // s, 96 // s) for s in (4, 8, 16, 32)] + [(2, 16, 1, 2)]

MODELS = {
    # 6 * 4 * 9 weights and 6 biases
    'ConvAWS2d': ModelCase(
        dict(in_channels=4, out_channels=6, kernel_size=3), [(2, 4, 7, 9)], [(2, 6, 5, 7)], 222
    ),
    # The convolution twice (w, dw) and its bias, a switch of 4 + 1, contexts of 4 * 4 + 4 and
    # 6 * 6 + 6, two offset convolutions of 18 * (4 * 9 + 1)
    'SwitchableAtrousConv2d': ModelCase(
        dict(in_channels=4, out_channels=6, kernel_size=3, padding=1, use_deform=True),
        [(2, 4, 7, 9)],
        [(2, 6, 7, 9)],
        2 * 216 + 6 + 5 + 20 + 42 + 2 * 18 * 37,
    ),
    # As mmdet's DetectoRS_ResNet, DetectoRS_ResNeXt and RFP with the same arguments
    'DetectoRSResNet': ModelCase(BACKBONE, [IMAGE], MAPS, 224_263),
    'DetectoRSResNeXt': ModelCase(dict(BACKBONE, groups=4, base_width=2), [IMAGE], MAPS, 151_255),
    'RecursiveFeaturePyramid': ModelCase(
        dict(
            in_channels=[32, 64, 128, 256],
            out_channels=16,
            num_outs=5,
            aspp_out_channels=4,
            rfp_backbone=dict(BACKBONE, type='mmvisx.DetectoRSResNet', rfp_inplanes=16),
        ),
        [[IMAGE, *MAPS]],
        PYRAMID,
        250_216,
    ),
}
