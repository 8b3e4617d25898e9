# SUNet-64, pretrained on ImageNet by sunet64_120e_imagenet.py, 90 epochs, VOC 2012 with SBD:
# experiment E4 of 002.
#   python tools/train.py configs/stacked_unet/sunet64_pretrained_90e_voc2012_sbd.py
# Hardware: one GPU with 10 GB. The document draws curves (Figure 6.2) and prints no number.
# Obtained: not run.
_base_ = [
    '../_base_/models/stacked_unet.py',
    '../_base_/datasets/voc2012_sbd.py',
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
)

max_epochs = 90
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [_base_.cosine | dict(end=max_epochs, T_max=max_epochs)]
optim_wrapper = dict(optimizer=dict(lr=2e-3), paramwise_cfg=_base_.slow_backbone)
