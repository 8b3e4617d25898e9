# FCN on ResNet-18 for classes and human parts at once, the trunk from ImageNet,
# 100 epochs, asynchronous SGD: as E8 of 002 with the network of the first series.
#   python tools/train.py configs/multi_task/fcn_r18_pretrained_async_100e_voc_person_part.py
# Hardware: one GPU with 10 GB. Not in the document. Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_fcn_r18.py',
    '../_base_/datasets/multi_task_voc.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')))

# The trunk steps after 20 images, a head after 10 of its own.
optim_wrapper = dict(
    paramwise_cfg=_base_.slow_backbone,
    type='mmvisx.AsynchronousSGD',
    constructor='mmvisx.AsynchronousSGDConstructor',
    trunk_images=20,
    task_images=10,
)
default_hooks = dict(
    checkpoint=dict(save_best=['semantic/mIoU', 'part/mIoU'], rule=['greater', 'greater'])
)

max_epochs = 100
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [_base_.cosine | dict(end=max_epochs, T_max=max_epochs)]
