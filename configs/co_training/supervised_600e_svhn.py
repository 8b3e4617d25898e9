# Labels alone on the networks and steps of co-training, SVHN with 1,000 labels.
#   python tools/train.py configs/co_training/supervised_600e_svhn.py
# Hardware: 1 GPU. Expected: unknown; the chapter
# has no such row.
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/co_training_cnn13.py',
    '../_base_/datasets/co_training_svhn.py',
]

model = dict(
    _delete_=True,
    type='mmvisx.SupervisedViews',
    views=[_base_.view] * 2,
    data_preprocessor=_base_.data_preprocessor,
)
# 100 labelled images for each network; 147 x 1,000 / 200 = 735 steps an epoch (733 with U)
data = _base_.train_dataloader.dataset
train_dataloader = dict(
    batch_size=2 * 100,
    batch_sampler=None,
    drop_last=True,
    dataset=dict(
        _delete_=True,
        type='mmvisx.LabelledImages',
        labelled=data.labelled,
        times=147,
        dataset=data.dataset,
    ),
)
custom_hooks = _base_.hooks  # there are no unlabelled images to watch
