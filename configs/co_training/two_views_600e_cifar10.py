# Deep Co-Training, two CNN-13, CIFAR-10 with 4,000 labels.
#   python tools/train.py configs/co_training/two_views_600e_cifar10.py
# Hardware: 1 GPU. Expected: 9.03 +- 0.18 % error, views/mean 90.97 (Table 3-I).
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_cifar10.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
