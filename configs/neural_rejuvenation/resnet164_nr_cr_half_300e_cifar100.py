# ResNet-164, CIFAR-100, compressed to half of its parameters by NR-CR.
#   python tools/train.py configs/neural_rejuvenation/resnet164_nr_cr_half_300e_cifar100.py
# Hardware: one GPU. Expected: 23.84 % error (Table 5-IV, row 2). Obtained: not run.
_base_ = './resnet164_baseline_300e_cifar100.py'

# One head: what the classifier reads is the residual stream, of which no neuron is rejuvenated.
custom_hooks = [
    *_base_.custom_hooks,
    dict(_base_.rejuvenation, target=0.5, threshold=0.25, fixed_lambda=2.5e-4),
]
