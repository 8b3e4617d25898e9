# vgg11_nano_connectivity.py, rejuvenated once with the number of parameters kept: up to 1,400 steps
# under the penalty, and 3,000 after the event.
#   python tools/train.py configs/neural_rejuvenation/vgg11_nr_nano_connectivity.py
# Hardware: one CPU core, 8 minutes. Not in the document. Obtained: see
# configs/_series_/neural_rejuvenation_connectivity.py.
_base_ = './vgg11_nano_connectivity.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NeuralRejuvenationHook',
        threshold=0.3,
        # Of the 5,000 steps that the data set has; a check every 100.
        lambda_interval=100 / 5000,
        # Before the rate drops.
        window=(0, 1400 / 5000),
        fixed_lambda=0.001,
    ),
]
