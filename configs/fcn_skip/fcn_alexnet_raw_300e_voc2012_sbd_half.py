# FCN on AlexNet, from scratch, 300 epochs. Half of VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_alexnet_raw_300e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 31.1, on the training images 64.3, losses 0.669 and
# 0.339 (Table 1.1, row 3). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_skip_alexnet.py',
    '../_base_/datasets/voc2012_sbd.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

train_dataloader = dict(dataset=dict(ann_file=_base_.half))
