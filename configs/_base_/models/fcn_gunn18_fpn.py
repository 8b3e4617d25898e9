# FCN that reads all levels of GUNN-18 through a feature pyramid: GUNN keeps one map for each
# resolution and has no stride to dilate, so the fine maps are those of the first stages.
norm_cfg = dict(type='BN', requires_grad=True)
sync_bn = 'torch'  # with several GPUs
channels = 256

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # Those of the pretraining.
        mean=[123.68, 116.779, 103.939],
        std=[58.393, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(480, 480),
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type='mmvisx.GUNN',
        arch='gunn18',
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/gunn18_90e_imagenet/epoch_90.pth',
            prefix='backbone.',
        ),
    ),
    neck=dict(type='FPN', in_channels=[400, 800, 1600, 2000], out_channels=channels, num_outs=4),
    decode_head=dict(
        type='FCNHead',
        in_channels=[channels] * 4,
        in_index=[0, 1, 2, 3],
        input_transform='resize_concat',
        channels=channels,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        num_classes=150,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
