# vgg11_nano_connectivity.py with 6 of 8 channels and so 0.56 of the weights, as long as a
# rejuvenated network trains; two of them make an ensemble that is somewhat larger.
#   python tools/train.py configs/neural_rejuvenation/vgg11_half_nano_connectivity.py
# Hardware: one CPU core, some 4 minutes. Not in the document. Obtained: not run
# (a row of configs/_series_/neural_rejuvenation_connectivity.py).
_base_ = './vgg11_nano_connectivity.py'

channels = 6
model = dict(backbone=dict(base_channels=channels), head=dict(in_channels=8 * channels))

max_iters = 2200
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(checkpoint=dict(interval=max_iters))
param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=False,
        # As far from the end as the others' drops.
        milestones=[max_iters - 500, max_iters - 250],
        gamma=0.1,
    ),
]
