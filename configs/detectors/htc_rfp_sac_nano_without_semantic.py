# A nano DetectoRS for your own photographs on a small machine: boxes and masks in COCO format, no
# stuff maps, nothing to download, trained from scratch.
#   tools/train.py configs/detectors/htc_rfp_sac_nano_without_semantic.py --work-dir work_dirs/a \
#       --classes data/mine/annotations/instances_train2017.json --cfg-options data_root=data/mine/
# data/mine/ holds train2017/, val2017/ and annotations/instances_{train,val}2017.json.
# Hardware: CPU; htc_rfp_sac_nano_coco16.py, this network and a semantic branch, takes 1.4 s an
# iteration of 4 images on one core. Not in the document; accuracy: not run. With a GPU and the
# weights of a ResNet-50 htc_rfp_sac_without_semantic.py is the one to take.
_base_ = './htc_rfp_sac_nano_shapes.py'

data_root = 'data/mine/'
image_scale = (256, 256)
num_classes = 80
strides = [4, 8, 16, 32, 64]
roi_extractor = dict(featmap_strides=[4, 8, 16, 32], finest_scale=28)

model = dict(
    neck=dict(num_outs=5),
    rpn_head=dict(anchor_generator=dict(scales=[4], strides=strides)),
    roi_head=dict(
        bbox_roi_extractor=roi_extractor,
        mask_roi_extractor=roi_extractor,
        bbox_head=[dict(head, num_classes=num_classes) for head in _base_.model.roi_head.bbox_head],
        mask_head=[dict(head, num_classes=num_classes) for head in _base_.model.roi_head.mask_head],
        semantic_roi_extractor=None,
        semantic_head=None,
    ),
)

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='mmdet.Resize', scale=image_scale, keep_ratio=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.PhotoMetricDistortion'),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=image_scale, keep_ratio=True),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmvisx.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='mmvisx.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017/'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='mmvisx.CocoMetric',
    ann_file=data_root + 'annotations/instances_val2017.json',
    metric=['bbox', 'segm'],
)
test_evaluator = val_evaluator

max_epochs = 24
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
param_scheduler = [
    # Of fewer than 500 iterations the tool takes a fifth.
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=0,
        end=max_epochs,
        T_max=max_epochs,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(logger=dict(interval=10))
