# As imagenet_bag_of_tricks.py at 299x299, for Inception-V3 (000, 2.2.2); 342 = 299 * 256 / 224.
_base_ = './imagenet_bag_of_tricks.py'

train_pipeline = [
    _base_.train_pipeline[0],
    dict(
        type='RandomResizedCrop',
        scale=299,
        crop_ratio_range=(0.08, 1.0),
        aspect_ratio_range=(3 / 4, 4 / 3),
    ),
    *_base_.train_pipeline[2:],
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='ResizeEdge', scale=342, edge='short'),
    dict(type='CenterCrop', crop_size=299),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
