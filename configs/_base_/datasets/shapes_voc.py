"""The embedded shapes data set: boxes in PASCAL VOC layout.

Make it with: python tools/datasets/make_shapes.py --out data/shapes
"""

dataset_type = 'mmvisx.ShapesVOCDataset'
data_root = 'data/shapes/VOCdevkit/'
image_scale = (128, 128)

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.Resize', scale=image_scale, keep_ratio=True),
    # A mirrored shape is the same shape, upside down too.
    dict(
        type='mmdet.RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal'],
    ),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=image_scale, keep_ratio=True),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True),
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='VOC2012/ImageSets/Main/train.txt',
        data_prefix=dict(sub_data_root='VOC2012/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,  # in a batch, images of other sizes would be padded to the largest
    num_workers=2,
    persistent_workers=True,
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
