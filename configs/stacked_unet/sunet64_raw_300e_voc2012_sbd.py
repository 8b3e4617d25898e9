# SUNet-64, from scratch, 300 epochs, VOC 2012 with SBD: experiment E3 of 002.
#   python tools/train.py configs/stacked_unet/sunet64_raw_300e_voc2012_sbd.py
# Hardware: one GPU with 10 GB. The document draws curves (Figure 6.2) and prints no number.
# Obtained: not run.
_base_ = [
    '../_base_/models/stacked_unet.py',
    '../_base_/datasets/voc2012_sbd.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

optim_wrapper = dict(optimizer=dict(lr=2e-3))
