# Deep Co-Training, two CNN-13, CIFAR-100 with 10,000 labels, without augmentation.
#   python tools/train.py configs/co_training/two_views_plain_600e_cifar100.py
# Hardware: 1 GPU. Expected: 38.77 +- 0.28 % error, views/mean 61.23 (Table 3-II).
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_cifar100.py',
]

view = dict(_base_.view, head=dict(_base_.view.head, num_classes=100))
model = dict(views=[view] * 2, lambda_dif=1.0, data_preprocessor=_base_.data_preprocessor)
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=[dict(type='PackInputs')])))
