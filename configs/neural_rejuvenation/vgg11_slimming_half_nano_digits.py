# VGG-11 with an eighth of the channels, scikit-learn's 8x8 digits, half of its weights pruned away
# by network slimming.
#   python tools/datasets/digits_to_folder.py
#   python tools/train.py configs/neural_rejuvenation/vgg11_slimming_half_nano_digits.py
# Hardware: one CPU core, less than a minute. Not in the document. Obtained: see
# configs/_series_/neural_rejuvenation_digits.py.
_base_ = './vgg11_nano_digits.py'

sparse_epochs = 5  # under the penalty, before the 10 that follow
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NetworkSlimmingHook',
        target=0.5,
        penalty=0.007,
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
