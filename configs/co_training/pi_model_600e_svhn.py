# Pi model, two CNN-13 side by side, SVHN with 1,000 labels.
#   python tools/train.py configs/co_training/pi_model_600e_svhn.py
# Hardware: 1 GPU. Expected: 4.82 +- 0.17 % error in its
# authors' training (Table 3-I); on these streams unknown.
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_svhn.py',
]

model = dict(
    _delete_=True,
    type='mmvisx.PiModel',
    views=[_base_.view] * 2,
    weight=100.0,
    data_preprocessor=_base_.data_preprocessor,
)
train_dataloader = dict(batch_sampler=dict(twins=True))
