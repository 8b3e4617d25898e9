# VGG-19, CIFAR-10, rejuvenated 3 times with the number of parameters kept (NR-CR).
#   python tools/train.py configs/neural_rejuvenation/vgg19_nr_cr_3x_300e_cifar10.py
# Hardware: one GPU. Expected: 3.79 % error (Table 5-V, row 3). Obtained: not run.
_base_ = './vgg19_baseline_300e_cifar10.py'

model = dict(head=dict(type='mmvisx.TwoHeadLinearClsHead'))
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        _base_.rejuvenation, threshold=0.5, num_rejuvenations=3, fixed_lambda=1.5e-4, two_heads=True
    ),
]
