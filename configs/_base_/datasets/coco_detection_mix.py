# COCO boxes in a wrapper that can mix two images. Transforms of one sample stand in the wrapper's
# pipeline, where mixup can go before them.
_base_ = './coco_instance_semantic.py'

load = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, keep_instances=False),
]
resize = dict(type='Resize', scale=(1300, 800), keep_ratio=True)
flip = dict(type='RandomFlip', prob=0.5)
pack = dict(type='mmvisx.PackDetInputs')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MultiImageMixDataset',
        dataset={
            **_base_.train_dataloader.dataset,
            'data_prefix': dict(img='train2017/'),
            'pipeline': load,
        },
        pipeline=[resize, flip, pack],
    )
)
test_pipeline = [
    load[0],
    resize,
    dict(type='mmvisx.LoadAnnotations', with_bbox=True),
    dict(
        type='mmvisx.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(metric='bbox')
test_evaluator = val_evaluator
