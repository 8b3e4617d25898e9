# FCN on a small ResNet-18 for classes and parts of the rendered shapes at once, from scratch, 600
# batches of 10, asynchronous SGD.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
#   python tools/train.py configs/multi_task/fcn_r18_async_nano_shapes.py
# Hardware: one CPU core. Not in the document. Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_fcn_r18_nano.py',
    '../_base_/benchmarks/multi_task_shapes_nano.py',
    '../_base_/segmentation_runtime.py',
]

# The trunk steps after 20 images, a head after 10 of its own.
optim_wrapper = dict(
    type='mmvisx.AsynchronousSGD',
    constructor='mmvisx.AsynchronousSGDConstructor',
    trunk_images=20,
    task_images=10,
)
