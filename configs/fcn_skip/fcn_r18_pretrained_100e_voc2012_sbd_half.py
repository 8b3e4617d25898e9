# FCN on ResNet-18, pretrained on ImageNet, 100 epochs. Half of VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_r18_pretrained_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 47.1, on the training images 63.6, losses 0.392 and
# 0.344 (Table 1.1, row 6; Table 1.2, column 3, pretrained). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_skip_r18.py',
    '../_base_/datasets/voc2012_sbd_half.py',
    '../_base_/schedules/fcn_skip_100e.py',
    '../_base_/segmentation_runtime_epochs.py',
]

model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')))
