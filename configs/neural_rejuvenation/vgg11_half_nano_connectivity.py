# vgg11_nano_connectivity.py with 11 of 16 channels and so 0.47 of the weights, as long as a
# rejuvenated network trains; two of them make an ensemble of its size.
#   python tools/train.py configs/neural_rejuvenation/vgg11_half_nano_connectivity.py
# Hardware: one CPU core, 4 minutes. Not in the document. Obtained: see
# configs/_series_/neural_rejuvenation_connectivity.py.
_base_ = './vgg11_nano_connectivity.py'

channels = 11
model = dict(backbone=dict(base_channels=channels), head=dict(in_channels=8 * channels))

max_iters = 4000
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=False,
        # As far from the end as the others' drops.
        milestones=[max_iters - 1500, max_iters - 750],
        gamma=0.1,
    ),
]
