# Photographs of 80 classes, class folders in data/photographs: 60 with 110 images, and 20 with 60
# images that are the few classes. Those of Tiny ImageNet in docs/methods/few_shot.md; parted by
#   mmvisx few-shot split-classes data/photographs --test 20 --shots 1 2 3 5 \
#       --few configs/few_shot/photographs_few_classes.txt --out data/photographs_split
# and made 32x32.
data_root = 'data/photographs/'
lists = 'data/photographs_split/'

data_preprocessor = dict(
    num_classes=60,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)
# 90 images a class: crops as in mini-ImageNet's training, of a third of the image at least.
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.35, 1.0), interpolation='area'),
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='Resize', scale=32, interpolation='area'),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.ImageFolder',
        data_prefix=data_root,
        ann_file=lists + 'large_train.txt',
        metainfo=dict(classes=lists + 'large_classes.txt'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.ImageFolder',
        data_prefix=data_root,
        ann_file=lists + 'large_test.txt',
        metainfo=dict(classes=lists + 'large_classes.txt'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
# For banks: build-bank --split few_train and few_test for the joint table, few_all for tasks of
# five classes
few_all_dataloader = dict(
    val_dataloader,
    dataset=dict(
        type='mmvisx.ImageFolder',
        data_prefix=data_root,
        ann_file=lists + 'few_all.txt',
        metainfo=dict(classes=lists + 'few_classes.txt'),
        pipeline=test_pipeline,
    ),
)
few_train_dataloader = dict(
    few_all_dataloader,
    dataset=dict(few_all_dataloader['dataset'], ann_file=lists + 'few_train.txt'),
)
few_test_dataloader = dict(
    few_all_dataloader,
    dataset=dict(few_all_dataloader['dataset'], ann_file=lists + 'few_test.txt'),
)

val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
