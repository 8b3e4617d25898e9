# FCN on AlexNet, pretrained on ImageNet, 100 epochs. Half of VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_alexnet_pretrained_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 38.4, on the training images 66.9, losses 0.521 and
# 0.307 (Table 1.1, row 4). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_skip_alexnet.py',
    '../_base_/datasets/voc2012_sbd_half.py',
    '../_base_/schedules/fcn_skip_100e.py',
    '../_base_/segmentation_runtime_epochs.py',
]

model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://alexnet')))
