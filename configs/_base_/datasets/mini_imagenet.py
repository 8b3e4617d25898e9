# mini-ImageNet, all 100 classes as folders in data/mini_imagenet, parted into the usual 64 training
# and 16 validation classes (large) and the 20 test classes (few; 001, 2.2.4.2) by
#   mmvisx few-shot split-classes data/mini_imagenet \
#       --few configs/few_shot/mini_imagenet_few_classes.txt --test 30 \
#       --out data/mini_imagenet_split
# 80x80 pixels, as in the authors' code.
data_root = 'data/mini_imagenet/'
lists = 'data/mini_imagenet_split/'
num_classes = 80

data_preprocessor = dict(
    num_classes=num_classes,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)
resize = dict(type='ResizeEdge', scale=92, edge='short')
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    resize,
    dict(type='RandomResizedCrop', scale=80),
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type='mmvisx.PCANoise', std=0.1),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    resize,
    dict(type='CenterCrop', crop_size=80),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=4,
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
    batch_size=64,
    num_workers=4,
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
# For banks: build-bank --split few_all for tasks of five classes, few_train and few_test for the
# joint table
few = dict(classes=lists + 'few_classes.txt')
few_all_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], ann_file=lists + 'few_all.txt', metainfo=few),
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
