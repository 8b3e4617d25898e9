# As fcn_r18_raw_300e_voc2012_sbd_half.py with weight decay 0.
#   python tools/train.py configs/fcn_skip/fcn_r18_raw_wd0_300e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 38.0, on the training images 69.7, losses 0.565 and
# 0.270 (Table 1.2, column 1, raw). Obtained: not run.
_base_ = './fcn_r18_raw_300e_voc2012_sbd_half.py'

optim_wrapper = dict(optimizer=dict(weight_decay=0))
