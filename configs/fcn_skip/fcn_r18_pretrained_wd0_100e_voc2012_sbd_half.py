# As fcn_r18_pretrained_100e_voc2012_sbd_half.py with weight decay 0.
#   python tools/train.py configs/fcn_skip/fcn_r18_pretrained_wd0_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 47.2, on the training images 66.0, losses 0.402 and
# 0.323 (Table 1.2, column 1, pretrained). Obtained: not run.
_base_ = './fcn_r18_pretrained_100e_voc2012_sbd_half.py'

optim_wrapper = dict(optimizer=dict(weight_decay=0))
