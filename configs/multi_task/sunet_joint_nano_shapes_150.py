# A small Stacked U-Net with output stride 8 for classes and parts at once: 150 rendered images of
# each at 96x96, 1,500 batches of 10 and 10, plain SGD.
#   python tools/datasets/make_shapes.py --out data/shapes_96 --size 96 --train 300 --val 400 \
#       --parts
#   python tools/train.py configs/multi_task/sunet_joint_nano_shapes_150.py
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
)
default_hooks = dict(checkpoint=dict(interval=500, max_keep_ckpts=1))
