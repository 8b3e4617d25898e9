# The FCN of fcn_skip_r18_nano.py, a quarter of the channels, with a head for each task of the
# rendered shapes.
_base_ = './fcn_skip_r18.py'

_single = _base_.model
_head = _single.decode_head | dict(in_channels=[32, 64, 128])
model = dict(
    _delete_=True,
    type='mmvisx.MultiTaskSegmentor',
    data_preprocessor=_single.data_preprocessor
    | dict(type='mmvisx.TaskDataPreprocessor', size=(64, 64)),
    backbone=_single.backbone | dict(stem_channels=16, base_channels=16),
    task_heads=dict(
        semantic=_head | dict(num_classes=10),
        part=_head | dict(num_classes=4),
    ),
    test_cfg=_single.test_cfg,
)
