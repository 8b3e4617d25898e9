# The embedded shapes data set: boxes in PASCAL VOC layout, in a wrapper that can mix two images.
# Transforms of one sample stand in the wrapper's pipeline, where mixup can go before them.
#
# Make it with: python tools/datasets/make_shapes.py --train 1200 --val 200
dataset_type = 'mmvisx.ShapesVOCDataset'
data_root = 'data/shapes/VOCdevkit/'

load = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, keep_instances=False),
]
resize = dict(type='Resize', scale=(96, 96), keep_ratio=False)
flip = dict(type='RandomFlip', prob=0.5)
pack = dict(type='mmvisx.PackDetInputs')
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    resize,
    dict(type='mmvisx.LoadAnnotations', with_bbox=True),
    dict(
        type='mmvisx.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='MultiImageMixDataset',
        dataset=dict(
            type=dataset_type,
            data_root=data_root,
            ann_file='VOC2012/ImageSets/Main/train.txt',
            data_prefix=dict(sub_data_root='VOC2012/'),
            filter_cfg=dict(filter_empty_gt=True),
            pipeline=load,
        ),
        pipeline=[resize, flip, pack],
    ),
)
val_dataloader = dict(
    batch_size=1,  # in a batch, images of other sizes would be padded to the largest
    num_workers=0,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='VOC2012/ImageSets/Main/val.txt',
        data_prefix=dict(sub_data_root='VOC2012/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.VOCMetric')
test_evaluator = val_evaluator
