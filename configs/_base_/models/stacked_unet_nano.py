# A Stacked U-Net with a quarter of SUNet-64's channels inside and fewer modules.
_base_ = './stacked_unet.py'

# Statistics that follow within a hundred iterations.
norm_cfg = dict(type='BN', momentum=0.1)
model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True,
            filters=16,
            modules=(1, 2, 2, 1),
            channels=(64, 96, 128, 160),
            stem_channels=16,
        ),
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(in_channels=160, channels=64, norm_cfg=norm_cfg),
)
