# VGG-19, CIFAR-100, without rejuvenation: 20,081,188 parameters.
#   python tools/train.py configs/neural_rejuvenation/vgg19_baseline_300e_cifar100.py
# Hardware: one GPU. Expected: 23.11 % error (Table 5-IV, row 1; Table 5-V, row 0). Obtained: not
# run.
_base_ = [
    '../_base_/models/neural_rejuvenation_vgg19.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/neural_rejuvenation_cifar.py',
    '../_base_/classification_runtime.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor, head=dict(num_classes=100))
train_dataloader = dict(batch_size=64)
