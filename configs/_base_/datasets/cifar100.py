# CIFAR-100 in its Python version (data/cifar100/cifar-100-python; mmpretrain downloads it if it is
# absent), shifted and mirrored (001, 4.6.1.1). 4 GPUs x 16 images.
data_root = 'data/cifar100/'
dataset_type = 'CIFAR100'

# Of the training images; they come in the order red, green, blue.
data_preprocessor = dict(
    num_classes=100, mean=[129.3, 124.1, 112.4], std=[68.2, 65.4, 70.4], to_rgb=False
)
train_pipeline = [
    # With about the mean, so that the border is 0 for the network.
    dict(type='RandomCrop', crop_size=32, padding=4, pad_val=(129, 124, 112)),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
