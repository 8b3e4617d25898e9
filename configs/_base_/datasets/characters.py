# Handwritten characters (Omniglot), class folders in data/characters, parted into large and few
# classes by
#   mmvisx few-shot split-classes data/characters --few 'Sanskrit*' --test 5 \
#       --out data/characters_split
# and made 28x28.
data_root = 'data/characters/'
lists = 'data/characters_split/'

data_preprocessor = dict(num_classes=200, mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True)
resize = dict(type='Resize', scale=28, interpolation='area')
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    resize,
    dict(type='RandomCrop', crop_size=28, padding=2, pad_val=255),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='mmvisx.LoadImageFromFile'), resize, dict(type='PackInputs')]

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
# For banks: build-bank --split few_train and few_test
few = dict(classes=lists + 'few_classes.txt')
few_train_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], ann_file=lists + 'few_train.txt', metainfo=few),
)
few_test_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], ann_file=lists + 'few_test.txt', metainfo=few),
)

val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
