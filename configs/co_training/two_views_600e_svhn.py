# Deep Co-Training, two CNN-13, SVHN with 1,000 labels.
#   python tools/train.py configs/co_training/two_views_600e_svhn.py
# Hardware: 1 GPU. Expected: 3.61 +- 0.15 % error, views/mean 96.39 (Table 3-I).
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_svhn.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
