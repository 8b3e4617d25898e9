# Photographs of CIFAR-10 as class folders of PNG files, made 16x16: of 5,085 in
# data/cifar10_5k/train 500 are labelled, 50 of each class; tested on the 1,000 of
# data/cifar10_png/test. 51 batches of 9 or 10 + 89 or 90.
data_preprocessor = dict(
    num_classes=10, mean=[125.3, 123.0, 113.9], std=[63.0, 62.1, 66.7], to_rgb=True
)
resize = dict(type='Resize', scale=16, interpolation='area')
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    resize,
    dict(type='RandomCrop', crop_size=16, padding=1, padding_mode='reflect'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='mmvisx.LoadImageFromFile'), resize, dict(type='PackInputs')]

images = dict(
    type='mmvisx.ImageFolder',
    data_root='data/cifar10_5k/',
    data_prefix='train',
    num_classes=10,
    pipeline=train_pipeline,
)
train_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='mmvisx.SemiSupervised', labelled=50, dataset=images),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(images, data_root='data/cifar10_png/', data_prefix='test', pipeline=test_pipeline),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.ViewAccuracy')
test_evaluator = val_evaluator
