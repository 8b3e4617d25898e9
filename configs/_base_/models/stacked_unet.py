# SUNet-64 with output stride 16 and the de-gridding head (002, Figure 4.3a and Table 4.1):
# 12,976,981 parameters with 21 classes.
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
    backbone=dict(type='mmvisx.StackedUNet', arch='sunet64', output_stride=16),
    decode_head=dict(
        type='mmvisx.DeGriddingHead',
        in_channels=1024,
        in_index=0,
        num_classes=21,
        # The mean over labelled pixels.
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
