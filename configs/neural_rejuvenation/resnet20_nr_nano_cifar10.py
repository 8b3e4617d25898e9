# ResNet-20 of bottlenecks with half of the channels, the 1,500 PNGs of CIFAR-10 at half their size,
# rejuvenated once with the number of parameters kept.
#   python tools/train.py configs/neural_rejuvenation/resnet20_nr_nano_cifar10.py
# Hardware: one CPU core, less than a minute. Not in the document. Obtained:
# not run without rescaling.
_base_ = './resnet20_nano_cifar10.py'

# Utilization has to fall below the threshold within 7 epochs of 46 steps; the document's 5e-5 an
# epoch would take some hundred.
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NeuralRejuvenationHook',
        # The channels of the residual stream stay alive, so utilization falls more slowly.
        threshold=0.6,
        window=(0, 7),
        fixed_lambda=0.006,
    ),
]

# After the rejuvenation.
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[7, 9], gamma=0.1)]
