# DenseNet-100-40, post-activation, CIFAR-10, without rejuvenation: 8,269,050 parameters.
#   python tools/train.py configs/neural_rejuvenation/densenet100_40_baseline_300e_cifar10.py
# Hardware: one GPU. Expected: 3.64 % error (Table 5-IV, row 3). Obtained: not run.
_base_ = [
    '../_base_/models/neural_rejuvenation_densenet100_40.py',
    '../_base_/datasets/cifar10.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
train_dataloader = dict(batch_size=64)
