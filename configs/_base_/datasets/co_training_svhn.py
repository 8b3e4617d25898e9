# SVHN, cropped digits (data/svhn/{train,test}_32x32.mat of ufldl.stanford.edu/housenumbers), with
# 1,000 labelled images, 100 of each class, and 72,257 unlabelled ones (001, 3.2.5.1): shifted by at
# most 2 pixels, reflected at the borders. Batches of 1 or 2 + 98 or 99.
data_root = 'data/svhn/'

# Of the training images; they come in the order red, green, blue.
data_preprocessor = dict(
    num_classes=10, mean=[111.6, 113.2, 120.6], std=[50.5, 51.3, 50.2], to_rgb=False
)
train_pipeline = [
    dict(type='RandomCrop', crop_size=32, padding=2, padding_mode='reflect'),
    dict(type='PackInputs'),
]
images = dict(type='mmvisx.SVHN', data_root=data_root)
train_dataloader = dict(
    batch_size=100,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.SemiSupervised',
        labelled=100,
        dataset=dict(images, split='train', pipeline=train_pipeline),
    ),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(images, split='test', test_mode=True, pipeline=[dict(type='PackInputs')]),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.ViewAccuracy')
test_evaluator = val_evaluator
