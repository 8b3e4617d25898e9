# PASCAL VOC 2007 + 2012 trainval for training in a wrapper that can mix two images, 2007 test for
# evaluation. Transforms of one sample stand in the wrapper's pipeline, where mixup can go before
# them.
data_root = 'data/VOCdevkit/'

load = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, keep_instances=False),
]
flip = dict(type='RandomFlip', prob=0.5)
pack = dict(type='mmvisx.PackDetInputs')
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='Resize', scale=(1000, 600), keep_ratio=True),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='MultiImageMixDataset',
        dataset=dict(
            type='ConcatDataset',
            # The two years differ in this key, which ConcatDataset would refuse.
            ignore_keys=['dataset_type'],
            datasets=[
                dict(
                    type='mmvisx.VOCDataset',
                    data_root=data_root,
                    ann_file=f'{year}/ImageSets/Main/trainval.txt',
                    data_prefix=dict(sub_data_root=f'{year}/'),
                    filter_cfg=dict(filter_empty_gt=True, min_size=32, bbox_min_size=32),
                    pipeline=load,
                )
                for year in ('VOC2007', 'VOC2012')
            ],
        ),
        pipeline=[dict(type='Resize', scale=(1000, 600), keep_ratio=True), flip, pack],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.VOCDataset',
        data_root=data_root,
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.VOCMetric')
test_evaluator = val_evaluator
