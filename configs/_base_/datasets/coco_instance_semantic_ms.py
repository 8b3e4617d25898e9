# As coco_instance_semantic.py, trained at many scales: the short edge anywhere in [400, 1200],
# the long one at most 1333 (001, 6.5.1).
_base_ = './coco_instance_semantic.py'

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, with_mask=True, with_seg=True),
    dict(type='RandomResize', scale=[(1333, 400), (1333, 1200)], keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
