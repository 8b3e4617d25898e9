# ImageNet (ILSVRC 2012) parted into 900 large and 100 few classes (001, 2.2.4.1). The document
# prints no split; configs/few_shot/imagenet_few_classes.txt names what this draws:
#   mmvisx few-shot split-classes data/imagenet/train --few 100 --seed 0 --test data/imagenet/val \
#       --shots 1 2 3 --out data/imagenet900_split
# data/imagenet/train/{class} and val/{class}; 8 GPUs x 32 images.
train_root = 'data/imagenet/train/'
val_root = 'data/imagenet/val/'
lists = 'data/imagenet900_split/'
num_classes = 900

data_preprocessor = dict(
    num_classes=num_classes,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
large = dict(classes=lists + 'large_classes.txt')
few = dict(classes=lists + 'few_classes.txt')

train_dataloader = dict(
    batch_size=32,
    num_workers=5,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.ImageFolder',
        data_prefix=train_root,
        ann_file=lists + 'large_train.txt',
        metainfo=large,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=5,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.ImageFolder',
        data_prefix=val_root,
        ann_file=lists + 'large_test.txt',
        metainfo=large,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
# For banks: build-bank --split few_train and few_test
few_train_dataloader = dict(
    val_dataloader,
    dataset=dict(
        val_dataloader['dataset'],
        data_prefix=train_root,
        ann_file=lists + 'few_train.txt',
        metainfo=few,
    ),
)
few_test_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], ann_file=lists + 'few_test.txt', metainfo=few),
)

val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
