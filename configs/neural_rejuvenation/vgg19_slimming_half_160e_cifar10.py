# VGG-19, CIFAR-10, half of its parameters pruned away by network slimming, then trained for 160
# epochs more.
#   python tools/train.py configs/neural_rejuvenation/vgg19_slimming_half_160e_cifar10.py
# Hardware: one GPU. Expected: 5.06 % error (Table 5-IV, row 1). Obtained: not run.
_base_ = './vgg19_baseline_300e_cifar10.py'

custom_hooks = [*_base_.custom_hooks, dict(_base_.slimming, penalty=1e-4)]
train_cfg = dict(max_epochs=160 + 160)
optim_wrapper = dict(optimizer=dict(nesterov=True))
param_scheduler = _base_.slimming_scheduler
