# ResNet-20 of bottlenecks with half of the channels, the 1,500 PNGs of CIFAR-10 at half their size,
# half of its weights pruned away by network slimming.
#   python tools/train.py configs/neural_rejuvenation/resnet20_slimming_half_nano_cifar10.py
# Hardware: one CPU core, less than a minute. Not in the document. Obtained:
# top-1 44.87 ± 1.08, three seeds.
_base_ = './resnet20_nano_cifar10.py'

sparse_epochs = 5  # under the penalty, before the 10 that follow
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NetworkSlimmingHook',
        target=0.5,
        penalty=0.006,
        prune_epoch=sparse_epochs,
    ),
]
param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=True,
        begin=sparse_epochs,
        milestones=[7, 9],
        gamma=0.1,
    ),
]
