# VGG-19, CIFAR-10, compressed to half of its parameters by NR-CR.
#   python tools/train.py configs/neural_rejuvenation/vgg19_nr_cr_half_300e_cifar10.py
# Hardware: one GPU. Expected: 4.19 % error (Table 5-IV, row 1). Obtained: not run.
_base_ = './vgg19_baseline_300e_cifar10.py'

model = dict(head=dict(type='mmvisx.TwoHeadLinearClsHead'))
custom_hooks = [
    *_base_.custom_hooks,
    dict(_base_.rejuvenation, target=0.5, threshold=0.25, fixed_lambda=1.5e-4, two_heads=True),
]
