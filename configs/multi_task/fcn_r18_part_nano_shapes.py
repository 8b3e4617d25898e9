# FCN on a small ResNet-18 for the parts of the rendered shapes alone, from scratch: half the
# batches of the joint training, so that the task sees as many images.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
#   python tools/train.py configs/multi_task/fcn_r18_part_nano_shapes.py
# Hardware: one CPU core. Not in the document. Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_fcn_r18_nano.py',
    '../_base_/benchmarks/multi_task_shapes_nano.py',
    '../_base_/segmentation_runtime.py',
]

model = dict(task_heads=dict(_delete_=True, part=_base_.model.task_heads.part))
train_dataloader = dict(dataset=dict(tasks=dict(_delete_=True, part=_base_.train_tasks.part)))
val_dataloader = dict(dataset=dict(tasks=dict(_delete_=True, part=_base_.val_tasks.part)))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='mmvisx.TaskIoUMetric', task='part')
test_evaluator = val_evaluator

max_iters = 600 // 2
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 5)
param_scheduler = [_base_.cosine | dict(end=max_iters, T_max=max_iters)]
