# Deep Co-Training with L_dif alone, two CNN-13, SVHN with 1,000 labels.
#   python tools/train.py configs/co_training/dif_only_600e_svhn.py
# Hardware: 1 GPU. Expected: the curve L_dif of Figure 3-1.
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_svhn.py',
]

model = dict(lambda_cot=0.0, data_preprocessor=_base_.data_preprocessor)
