# As fcn_r18_raw_300e_voc2012_sbd_half.py with weight decay 1e-4.
#   python tools/train.py configs/fcn_skip/fcn_r18_raw_wd1e4_300e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 39.8, on the training images 72.7, losses 0.514 and
# 0.236 (Table 1.2, column 2, raw). Obtained: not run.
_base_ = './fcn_r18_raw_300e_voc2012_sbd_half.py'

optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
