# ResNet-164, CIFAR-10, without rejuvenation: 1,704,154 parameters.
#   python tools/train.py configs/neural_rejuvenation/resnet164_baseline_300e_cifar10.py
# Hardware: one GPU. Expected: 6.11 % error (Table 5-IV, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/neural_rejuvenation_resnet164.py',
    '../_base_/datasets/cifar10.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
train_dataloader = dict(batch_size=64)
