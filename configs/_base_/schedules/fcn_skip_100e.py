# Pretrained models of the first series (002, Table 6.1): 100 epochs, the pretrained part at a tenth
# of the rate.
_base_ = './fcn_skip_300e.py'

max_epochs = 100
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
param_scheduler = [_base_.param_scheduler[0] | dict(end=max_epochs, T_max=max_epochs)]
