# VGG-19, CIFAR-10, without rejuvenation: 20,035,018 parameters.
#   python tools/train.py configs/neural_rejuvenation/vgg19_baseline_300e_cifar10.py
# Hardware: one GPU. Expected: 5.44 % error (Table 5-IV, row 1; Table 5-V, row 0). Obtained: not
# run.
_base_ = [
    '../_base_/models/neural_rejuvenation_vgg19.py',
    '../_base_/datasets/cifar10.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
train_dataloader = dict(batch_size=64)
