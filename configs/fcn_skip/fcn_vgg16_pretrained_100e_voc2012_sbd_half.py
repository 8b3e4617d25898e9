# FCN on VGG-16, pretrained on ImageNet, 100 epochs. Half of VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_vgg16_pretrained_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 50.4, on the training images 73.5, losses 0.382 and
# 0.216 (Table 1.1, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_skip_vgg16.py',
    '../_base_/datasets/voc2012_sbd_half.py',
    '../_base_/schedules/fcn_skip_100e.py',
    '../_base_/segmentation_runtime_epochs.py',
]

model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')))
