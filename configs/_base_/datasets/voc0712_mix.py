# PASCAL VOC 2007 + 2012 trainval for training in a wrapper that can mix two images, 2007 test for
# evaluation. Transforms of one sample stand in the wrapper's pipeline, where mixup can go before
# them.
_base_ = './voc0712.py'

load = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, keep_instances=False),
]
flip = dict(type='RandomFlip', prob=0.5)
pack = dict(type='mmvisx.PackDetInputs')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MultiImageMixDataset',
        dataset={
            **_base_.train_dataloader.dataset,
            'datasets': [
                {**year, 'pipeline': load} for year in _base_.train_dataloader.dataset.datasets
            ],
        },
        pipeline=[dict(type='Resize', scale=(1000, 600), keep_ratio=True), flip, pack],
    )
)
