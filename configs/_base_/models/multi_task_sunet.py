# One SUNet-64 with a de-gridding head for each task (002, Figure 4.4).
_base_ = './stacked_unet.py'

_single = _base_.model
model = dict(
    _delete_=True,
    type='mmvisx.MultiTaskSegmentor',
    data_preprocessor=_single.data_preprocessor | dict(type='mmvisx.TaskDataPreprocessor'),
    backbone=_single.backbone,
    task_heads=dict(
        semantic=_single.decode_head,
        part=_single.decode_head | dict(num_classes=7),
    ),
    test_cfg=_single.test_cfg,
)
