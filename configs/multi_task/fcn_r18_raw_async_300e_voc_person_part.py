# FCN on ResNet-18 for classes and human parts at once, from scratch,
# 300 epochs, asynchronous SGD: as E7 of 002 with the network of the first series.
#   python tools/train.py configs/multi_task/fcn_r18_raw_async_300e_voc_person_part.py
# Hardware: one GPU with 10 GB. Not in the document. Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_fcn_r18.py',
    '../_base_/datasets/multi_task_voc.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

# The trunk steps after 20 images, a head after 10 of its own.
optim_wrapper = dict(
    type='mmvisx.AsynchronousSGD',
    constructor='mmvisx.AsynchronousSGDConstructor',
    trunk_images=20,
    task_images=10,
)
default_hooks = dict(
    checkpoint=dict(save_best=['semantic/mIoU', 'part/mIoU'], rule=['greater', 'greater'])
)
