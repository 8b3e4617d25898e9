"""Contract cases of multi_task."""

from tests.contract.case import ModelCase

MODELS = {
    # The backbone, and two heads of one 1x1 convolution
    'MultiTaskSegmentor': ModelCase(
        dict(
            backbone=dict(type='mmvisx.CifarResNet', depth=20),
            task_heads={
                task: dict(
                    type='FCNHead',
                    num_convs=0,
                    concat_input=False,
                    in_channels=64,
                    in_index=0,
                    channels=64,
                    num_classes=classes,
                    dropout_ratio=0.0,
                )
                for task, classes in (('scene', 5), ('part', 3))
            },
        ),
        [(2, 3, 32, 32)],
        [(2, 5, 8, 8), (2, 3, 8, 8)],
        269_072 + 65 * 5 + 65 * 3,
    ),
}
