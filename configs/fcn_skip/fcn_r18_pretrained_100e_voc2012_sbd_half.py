# FCN on ResNet-18, pretrained on ImageNet, 100 epochs. Half of VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_r18_pretrained_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 47.1, on the training images 63.6, losses 0.392 and
# 0.344 (Table 1.1, row 6; Table 1.2, column 3, pretrained). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_skip_r18.py',
    '../_base_/datasets/voc2012_sbd.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')))

train_dataloader = dict(dataset=dict(ann_file=_base_.half))
max_epochs = 100
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [_base_.cosine | dict(end=max_epochs, T_max=max_epochs)]
optim_wrapper = dict(paramwise_cfg=_base_.slow_backbone)
