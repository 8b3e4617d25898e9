# FCN on VGG-16, from scratch, 300 epochs. Half of VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_vgg16_raw_300e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 37.9, on the training images 77.2, losses 0.623 and
# 0.183 (Table 1.1, row 1). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_skip_vgg16.py',
    '../_base_/datasets/voc2012_sbd.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

train_dataloader = dict(dataset=dict(ann_file=_base_.half))
