# SUNet-64 for classes and human parts at once, the trunk pretrained on ImageNet by
# stacked_unet/sunet64_120e_imagenet.py, 90 epochs,
# asynchronous SGD, on D1 and D2 (002, section 4.3.2; the experiments of section 5.2 use D3).
#   python tools/train.py configs/multi_task/sunet64_pretrained_async_90e_voc_lip.py
# Hardware: one GPU with 10 GB. The document draws curves (Figures 6.2, 6.3) and prints no number.
# Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_sunet.py',
    '../_base_/datasets/multi_task_voc.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            prefix='backbone.',
            checkpoint='work_dirs/sunet64_120e_imagenet/epoch_120.pth',
        )
    ),
    task_heads=dict(part=dict(num_classes=20)),
)

# The trunk steps after 20 images, a head after 10 of its own.
optim_wrapper = dict(
    optimizer=dict(lr=2e-3),
    paramwise_cfg=_base_.slow_backbone,
    type='mmvisx.AsynchronousSGD',
    constructor='mmvisx.AsynchronousSGDConstructor',
    trunk_images=20,
    task_images=10,
)
default_hooks = dict(
    checkpoint=dict(save_best=['semantic/mIoU', 'part/mIoU'], rule=['greater', 'greater'])
)

max_epochs = 90
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [_base_.cosine | dict(end=max_epochs, T_max=max_epochs)]

train_dataloader = dict(dataset=dict(tasks=_base_.lip_train))
val_dataloader = dict(dataset=dict(tasks=_base_.lip_val))
test_dataloader = val_dataloader
