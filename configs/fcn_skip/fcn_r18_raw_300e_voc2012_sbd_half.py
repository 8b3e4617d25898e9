# FCN on ResNet-18, from scratch, 300 epochs. Half of VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_r18_raw_300e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 41.1, on the training images 70.7, losses 0.471 and
# 0.257 (Table 1.1, row 5; Table 1.2, column 3, raw). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_skip_r18.py',
    '../_base_/datasets/voc2012_sbd.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

train_dataloader = dict(dataset=dict(ann_file=_base_.half))
