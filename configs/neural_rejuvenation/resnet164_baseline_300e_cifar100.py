# ResNet-164, CIFAR-100, without rejuvenation: 1,727,284 parameters.
#   python tools/train.py configs/neural_rejuvenation/resnet164_baseline_300e_cifar100.py
# Hardware: one GPU. Expected: 28.86 % error (Table 5-IV, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/neural_rejuvenation_resnet164.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor, head=dict(num_classes=100))
train_dataloader = dict(batch_size=64)
