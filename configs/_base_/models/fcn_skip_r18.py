# FCN on ResNet-18 that fuses the scores of strides 8, 16 and 32 (002, 4.2 and Figure 4.3b).
# Weights: normal distribution of He et al. (6.1).
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # Those of ImageNet, 6.1.
        mean=[0.485 * 255, 0.456 * 255, 0.406 * 255],
        std=[0.229 * 255, 0.224 * 255, 0.225 * 255],
        bgr_to_rgb=True,
        size=(512, 512),
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type='ResNet',
        depth=18,
        out_indices=(1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
    ),
    decode_head=dict(
        type='mmvisx.FCNSkipHead',
        in_channels=[128, 256, 512],
        num_classes=21,
        # The mean over labelled pixels.
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
