# The small Stacked U-Net with a head for each task of the rendered shapes.
_base_ = './stacked_unet_nano.py'

_single = _base_.model
model = dict(
    _delete_=True,
    type='mmvisx.MultiTaskSegmentor',
    data_preprocessor=_single.data_preprocessor
    | dict(type='mmvisx.TaskDataPreprocessor', size=(64, 64)),
    backbone=_single.backbone,
    task_heads=dict(
        semantic=_single.decode_head | dict(num_classes=10),
        part=_single.decode_head | dict(num_classes=4),
    ),
    test_cfg=_single.test_cfg,
)
