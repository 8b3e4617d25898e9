# A nano DetectoRS that learns 16 photographs of COCO by heart: shows that real data goes all
# the way through, and says nothing about accuracy on other images.
#   tools/train.py configs/detectors/htc_rfp_sac_nano_coco16.py
# data/coco16/ holds instances.json, images/ and stuffthingmaps/, the last one made by
# tools/datasets/panoptic_to_stuff.py. Hardware: CPU. Wanted: box AP50 >= 0.80 on the same images.
# Obtained (seed 0): box AP50 0.990, mask AP50 0.794, in 7 minutes on one busy core.
_base_ = './htc_rfp_sac_nano_shapes.py'

data_root = 'data/coco16/'
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
        semantic_head=dict(num_ins=5, num_classes=183),
    ),
)

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, with_mask=True, with_seg=True),
    dict(type='mmdet.Resize', scale=image_scale, keep_ratio=True),
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
    batch_size=4,
    # An epoch of 4 iterations would be mostly overhead.
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=16,
        dataset=dict(
            type='mmvisx.CocoDataset',
            data_root=data_root,
            ann_file='instances.json',
            data_prefix=dict(img='images/', seg='stuffthingmaps/'),
            pipeline=train_pipeline,
        ),
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='mmvisx.CocoDataset',
        data_root=data_root,
        ann_file='instances.json',
        data_prefix=dict(img='images/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.CocoMetric', ann_file=data_root + 'instances.json')
test_evaluator = val_evaluator

max_epochs = 4  # of 64 iterations
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
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
default_hooks = dict(logger=dict(interval=16))
