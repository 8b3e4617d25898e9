# Pi model, two CNN-13 side by side, CIFAR-100 with 10,000 labels.
#   python tools/train.py configs/co_training/pi_model_600e_cifar100.py
# Hardware: 1 GPU. Expected: 39.19 +- 0.36 % error in its
# authors' training (Table 3-II); on these streams unknown.
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_cifar100.py',
]

view = dict(_base_.view, head=dict(_base_.view.head, num_classes=100))
model = dict(
    _delete_=True,
    type='mmvisx.PiModel',
    views=[view] * 2,
    weight=100.0,
    data_preprocessor=_base_.data_preprocessor,
)
train_dataloader = dict(batch_sampler=dict(twins=True))
