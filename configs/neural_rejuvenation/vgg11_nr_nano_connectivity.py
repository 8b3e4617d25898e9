# vgg11_nano_connectivity.py, rejuvenated once with the number of parameters kept: up to 1,000 steps
# under the penalty, and 1,500 after the event.
#   python tools/train.py configs/neural_rejuvenation/vgg11_nr_nano_connectivity.py
# Hardware: one CPU core, some 4 minutes. Not in the document. Obtained: NR-CR with two
# heads: top-1 89.36 ± 1.62, three seeds; as it stands not run
# (a row of configs/_series_/neural_rejuvenation_connectivity.py).
_base_ = './vgg11_nano_connectivity.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NeuralRejuvenationHook',
        threshold=0.3,
        # Of the 2,500 steps that the data set has; a check every 100.
        lambda_interval=100 / 2500,
        # Before the rate drops.
        window=(0, 1000 / 2500),
        fixed_lambda=0.001,
    ),
]
