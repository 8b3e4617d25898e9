# ResNet-164, CIFAR-100, half of its parameters pruned away by network slimming, then trained for
# 160 epochs more.
#   python tools/train.py configs/neural_rejuvenation/resnet164_slimming_half_160e_cifar100.py
# Hardware: one GPU. Expected: 25.61 % error (Table 5-IV, row 2). Obtained: not run.
_base_ = './resnet164_baseline_300e_cifar100.py'

custom_hooks = [*_base_.custom_hooks, _base_.slimming]
train_cfg = dict(max_epochs=160 + 160)
optim_wrapper = dict(optimizer=dict(nesterov=True))
param_scheduler = _base_.slimming_scheduler
