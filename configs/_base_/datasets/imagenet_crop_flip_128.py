# As imagenet_crop_flip.py, 128x128 in training and testing (001, 5.4.2 and Table 5-III).
_base_ = './imagenet_bag_of_tricks.py'

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=128),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='ResizeEdge', scale=128 * 256 // 224, edge='short'),
    dict(type='CenterCrop', crop_size=128),
    dict(type='PackInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
