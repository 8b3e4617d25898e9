# The network of stacked_unet_nano.py with a head for each task of the rendered shapes.
_base_ = './stacked_unet.py'

_single = _base_.model
# Statistics that follow within a hundred iterations.
norm_cfg = dict(type='BN', momentum=0.1)
_head = _single.decode_head | dict(in_channels=160, channels=64, norm_cfg=norm_cfg)
model = dict(
    _delete_=True,
    type='mmvisx.MultiTaskSegmentor',
    data_preprocessor=_single.data_preprocessor
    | dict(type='mmvisx.TaskDataPreprocessor', size=(64, 64)),
    backbone=_single.backbone
    | dict(
        arch=dict(
            filters=16,
            modules=(1, 2, 2, 1),
            channels=(64, 96, 128, 160),
            stem_channels=16,
        ),
        norm_cfg=norm_cfg,
    ),
    task_heads=dict(
        semantic=_head | dict(num_classes=10),
        part=_head | dict(num_classes=4),
    ),
    test_cfg=_single.test_cfg,
)
