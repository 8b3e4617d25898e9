# DenseNet-100-40, post-activation, CIFAR-100, compressed to half of its parameters by NR-CR.
#   python tools/train.py configs/neural_rejuvenation/densenet100_40_nr_cr_half_300e_cifar100.py
# Hardware: one GPU. Expected: 18.59 % error (Table 5-IV, row 3). Obtained: not run.
_base_ = './densenet100_40_baseline_300e_cifar100.py'

model = dict(head=dict(type='mmvisx.TwoHeadLinearClsHead'))
custom_hooks = [
    *_base_.custom_hooks,
    dict(_base_.rejuvenation, target=0.5, threshold=0.25, fixed_lambda=2e-4, two_heads=True),
]
