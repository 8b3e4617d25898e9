# As fcn_r18_pretrained_100e_voc2012_sbd_half.py with weight decay 1e-3.
#   python tools/train.py configs/fcn_skip/fcn_r18_pretrained_wd1e3_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Expected: mIoU 45.7, on the training images 60.6, losses 0.399 and
# 0.381 (Table 1.2, column 4, pretrained). Obtained: not run.
_base_ = './fcn_r18_pretrained_100e_voc2012_sbd_half.py'

optim_wrapper = dict(optimizer=dict(weight_decay=1e-3))
