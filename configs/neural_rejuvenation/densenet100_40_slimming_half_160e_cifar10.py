# DenseNet-100-40, post-activation, CIFAR-10, half of its parameters pruned away by network
# slimming, then trained for 160 epochs more.
#   python tools/train.py configs/neural_rejuvenation/densenet100_40_slimming_half_160e_cifar10.py
# Hardware: one GPU. Expected: 3.75 % error (Table 5-IV, row 3). Obtained: not run.
_base_ = './densenet100_40_baseline_300e_cifar10.py'

custom_hooks = [*_base_.custom_hooks, _base_.slimming]
train_cfg = dict(max_epochs=160 + 160)
optim_wrapper = dict(optimizer=dict(nesterov=True))
param_scheduler = _base_.slimming_scheduler
