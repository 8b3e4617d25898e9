# A small Stacked U-Net with output stride 8 for the classes of 150 rendered images at 96x96 alone:
# as many steps, of 10 images, as the joint training has of 10 and 10.
#   python tools/datasets/make_shapes.py --out data/shapes_96 --size 96 --train 300 --val 400 \
#       --parts
#   python tools/train.py configs/multi_task/sunet_semantic_nano_shapes_150.py
# Hardware: one CPU core. Not in the document. A row of configs/_series_/multi_task_transfer.py.
# Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_sunet_nano.py',
    '../_base_/benchmarks/multi_task_shapes_150_nano.py',
    '../_base_/segmentation_runtime.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(output_stride=8),
    task_heads=dict(_delete_=True, semantic=_base_.model.task_heads.semantic),
)
train_dataloader = dict(
    batch_size=10,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='mmvisx.MultiTaskDataset',
        tasks=dict(semantic=_base_.train_tasks.semantic),
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        tasks=dict(
            _delete_=True,
            semantic=_base_.val_tasks.semantic,
            semantic_train=_base_.val_tasks.semantic_train,
        )
    )
)
test_dataloader = val_dataloader
val_evaluator = [e for e in _base_.val_evaluator if e.task == 'semantic']
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(interval=500, max_keep_ckpts=1))
