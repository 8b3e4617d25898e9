# Deep Co-Training with L_cot alone, two CNN-13, CIFAR-10 with 4,000 labels.
#   python tools/train.py configs/co_training/cot_only_600e_cifar10.py
# Hardware: 1 GPU. Expected: the curve L_cot of Figure 3-1.
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_cifar10.py',
]

model = dict(lambda_dif=0.0, data_preprocessor=_base_.data_preprocessor)
