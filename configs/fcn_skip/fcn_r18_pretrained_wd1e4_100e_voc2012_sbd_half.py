# As fcn_r18_pretrained_100e_voc2012_sbd_half.py with weight decay 1e-4.
#   python tools/train.py configs/fcn_skip/fcn_r18_pretrained_wd1e4_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 47.4, on the training images 65.2, losses 0.400 and
# 0.329 (Table 1.2, column 2, pretrained). Obtained: not run.
_base_ = './fcn_r18_pretrained_100e_voc2012_sbd_half.py'

optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
