# Labels alone on the networks and steps of co-training, CIFAR-100 with 10,000 labels.
#   python tools/train.py configs/co_training/supervised_600e_cifar100.py
# Hardware: 1 GPU. Expected: unknown; the chapter
# has no such row.
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_cifar100.py',
]

view = dict(_base_.view, head=dict(_base_.view.head, num_classes=100))
model = dict(
    _delete_=True,
    type='mmvisx.SupervisedViews',
    views=[view] * 2,
    data_preprocessor=_base_.data_preprocessor,
)
# 100 labelled images for each network; 10 x 10,000 / 200 = 500 steps an epoch, as many as with U
data = _base_.train_dataloader.dataset
train_dataloader = dict(
    batch_size=2 * 100,
    batch_sampler=None,
    drop_last=True,
    dataset=dict(
        _delete_=True,
        type='mmvisx.LabelledImages',
        labelled=data.labelled,
        times=10,
        dataset=data.dataset,
    ),
)
custom_hooks = _base_.hooks  # there are no unlabelled images to watch
