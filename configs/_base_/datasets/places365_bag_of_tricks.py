# MIT Places365 as class folders (data/places365/train/{class}, val/{class}: "places365_standard,
# easy directory structure"); the rest as imagenet_bag_of_tricks.py.
_base_ = './imagenet_bag_of_tricks.py'

data_root = 'data/places365/'
data_preprocessor = dict(num_classes=365)

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmvisx.ImageFolder',
        data_root=data_root,
        data_prefix='train',
        num_classes=365,
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmvisx.ImageFolder',
        data_root=data_root,
        data_prefix='val',
        num_classes=365,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader
