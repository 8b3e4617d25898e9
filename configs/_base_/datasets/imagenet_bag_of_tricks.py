# ImageNet (ISLVR 2012) with the augmentation that 000, 2.2.1 prints: data/imagenet/train/{class},
# val/{class} or val/ with meta/val.txt. 8 GPUs x 128 images.
data_root = 'data/imagenet/'

# Step 6; also in validation.
data_preprocessor = dict(
    num_classes=1000,
    mean=[123.68, 116.779, 103.939],
    std=[58.393, 57.12, 57.375],
    to_rgb=True,
)

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile', to_float32=True),  # 1
    dict(  # 2
        type='RandomResizedCrop',
        scale=224,
        crop_ratio_range=(0.08, 1.0),
        aspect_ratio_range=(3 / 4, 4 / 3),
    ),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),  # 3
    dict(  # 4
        type='mmvisx.HSVJitter', hue=(0.6, 1.4), saturation=(0.6, 1.4), brightness=(0.6, 1.4)
    ),
    dict(type='mmvisx.PCANoise', std=0.1),  # 5
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.ImageNet', data_root=data_root, split='train', pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='mmvisx.ImageNet', data_root=data_root, split='val', pipeline=test_pipeline),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
