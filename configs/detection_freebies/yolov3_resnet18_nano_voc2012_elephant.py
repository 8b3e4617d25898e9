# A nano YOLOv3 that learns 70 photographs of VOC2012 by heart, so that it finds something in them:
# for tools/analysis/elephant.py (000, 5.3.1, Figure 5.4). Says nothing about other photographs.
#   python tools/train.py configs/detection_freebies/yolov3_resnet18_nano_voc2012_elephant.py
# Hardware: one CPU core. Obtained: METHODS.md.
_base_ = ['yolov3_resnet18_nano_shapes_voc.py']

resize = dict(type='Resize', scale=(160, 160), keep_ratio=False)
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
data_root = 'data/voc2012_det100/VOCdevkit/'
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='mmvisx.VOCDataset',
            data_root=data_root,
            filter_cfg=dict(_delete_=True, filter_empty_gt=True, bbox_min_size=0),
        ),
        pipeline=[resize, flip, pack],
    )
)
# The photographs of the training.
val_dataloader = dict(
    dataset=dict(
        type='mmvisx.VOCDataset',
        data_root=data_root,
        ann_file='VOC2012/ImageSets/Main/train.txt',
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader

max_epochs = 80
iterations = max_epochs * 9  # 70 images, 8 at a time
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(checkpoint=dict(interval=max_epochs))
param_scheduler = [
    _base_.warm_up,
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, end=iterations, T_max=iterations),
]

model = dict(
    bbox_head=dict(
        num_classes=20,
        # Means of nine clusters of the photographs' boxes.
        anchor_generator=dict(
            base_sizes=[
                [(150, 68), (82, 127), (133, 135)],
                [(42, 92), (40, 140), (90, 77)],
                [(15, 22), (25, 55), (57, 47)],
            ],
        ),
    )
)
