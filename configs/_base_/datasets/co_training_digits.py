# Handwritten digits (MNIST) as class folders of PNG files, data/mnist_png/{train,test}, made 14x14:
# of 2,000 training images 100 are labelled, 10 of each class, and come twice an epoch: 21 batches
# of 9 or 10 + 90 or 91. Without workers: reading takes less than starting them.
data_root = 'data/mnist_png/'

data_preprocessor = dict(num_classes=10, mean=[33.0] * 3, std=[78.0] * 3, to_rgb=True)
resize = dict(type='Resize', scale=14, interpolation='area')
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    resize,
    dict(type='RandomCrop', crop_size=14, padding=2, padding_mode='reflect'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='mmvisx.LoadImageFromFile'), resize, dict(type='PackInputs')]

dataset = dict(type='mmvisx.ImageFolder', data_root=data_root, num_classes=10)
train_dataloader = dict(
    batch_size=100,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.SemiSupervised',
        labelled=10,
        times=2,
        dataset=dict(dataset, data_prefix='train', pipeline=train_pipeline),
    ),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(dataset, data_prefix='test', pipeline=test_pipeline),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.ViewAccuracy')
test_evaluator = val_evaluator
