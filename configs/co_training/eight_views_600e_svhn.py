# Deep Co-Training, eight CNN-13, paired anew in each step, SVHN with 1,000 labels.
#   python tools/train.py configs/co_training/eight_views_600e_svhn.py
# Hardware: 1 GPU. Expected: 3.29 +- 0.03 % error, views/mean 96.71 (Table 3-I).
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_svhn.py',
]

model = dict(views=[_base_.view] * 8, data_preprocessor=_base_.data_preprocessor)
train_dataloader = dict(batch_sampler=dict(bundles=8 // 2))
