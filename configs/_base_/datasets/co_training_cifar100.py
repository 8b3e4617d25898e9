# CIFAR-100 with 10,000 labelled images, 100 of each class, and 40,000 unlabelled ones (001,
# 3.2.5.2): shifted by at most 2 pixels, reflected at the borders, and mirrored. Batches of 20 + 80.
_base_ = 'cifar100.py'

train_pipeline = [
    dict(type='RandomCrop', crop_size=32, padding=2, padding_mode='reflect'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=100,
    batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
    dataset=dict(
        _delete_=True,
        type='mmvisx.SemiSupervised',
        labelled=100,
        dataset=dict(
            type='CIFAR100', data_root=_base_.data_root, split='train', pipeline=train_pipeline
        ),
    ),
)
val_evaluator = dict(_delete_=True, type='mmvisx.ViewAccuracy')
test_evaluator = val_evaluator
