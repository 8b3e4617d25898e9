# VGG-19, CIFAR-100, half of its parameters pruned away by network slimming, then trained for 160
# epochs more.
#   python tools/train.py configs/neural_rejuvenation/vgg19_slimming_half_160e_cifar100.py
# Hardware: one GPU. Expected: 24.92 % error (Table 5-IV, row 1). Obtained: not run.
_base_ = './vgg19_baseline_300e_cifar100.py'

# Penalty (1e-4 for VGG-19, 1e-5 for the others), 160 epochs and Nesterov momentum as in the
# document's reference [181].
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NetworkSlimmingHook',
        target=0.5,
        penalty=1e-4,
        prune_epoch=160,
    ),
]
train_cfg = dict(max_epochs=160 + 160)
optim_wrapper = dict(optimizer=dict(nesterov=True))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[80, 120], gamma=0.1, end=160),
    dict(type='MultiStepLR', by_epoch=True, milestones=[80, 120], gamma=0.1, begin=160),
]
