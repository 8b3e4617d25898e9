# VGG-11 with an eighth of the channels, the 1,500 PNGs of CIFAR-10 at half their size, rejuvenated
# once with the number of parameters kept.
#   python tools/train.py configs/neural_rejuvenation/vgg11_nr_nano_cifar10.py
# Hardware: one CPU core, less than a minute. Not in the document. Obtained:
# top-1 46.50 ± 1.85, three seeds.
_base_ = './vgg11_nano_cifar10.py'

# Utilization has to fall below the threshold within 7 epochs of 46 steps; the document's 5e-5 an
# epoch would take some hundred.
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NeuralRejuvenationHook',
        threshold=0.5,
        window=(0, 7),
        fixed_lambda=0.006,
    ),
]

# After the rejuvenation.
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[7, 9], gamma=0.1)]
