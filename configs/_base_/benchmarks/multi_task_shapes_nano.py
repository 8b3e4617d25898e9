# The rendered shapes for two tasks: the first 600 training images are annotated with classes of
# shapes and stuff, the others with parts, as D1 and D2 of 002; the validation images with both. At
# half their size. Trained for a minute or two.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
data_root = 'data/shapes/'
crop_size = (64, 64)
scale = dict(type='Resize', scale=crop_size, keep_ratio=False)

_parts = 'VOCdevkit/VOC2012/SegmentationPart'
train_tasks = dict(
    semantic=dict(
        type='mmvisx.ShapesSceneDataset',
        data_root=data_root,
        data_prefix=dict(img_path='coco/train', seg_map_path='coco/stuffthingmaps/train'),
        indices=list(range(600)),
    ),
    part=dict(
        type='mmvisx.ShapesPartDataset',
        data_root=data_root,
        data_prefix=dict(img_path='coco/train', seg_map_path=_parts),
        indices=list(range(600, 1200)),
    ),
)
val_tasks = dict(
    semantic=dict(
        type='mmvisx.ShapesSceneDataset',
        data_root=data_root,
        data_prefix=dict(img_path='coco/val', seg_map_path='coco/stuffthingmaps/val'),
    ),
    part=dict(
        type='mmvisx.ShapesPartDataset',
        data_root=data_root,
        data_prefix=dict(img_path='coco/val', seg_map_path=_parts),
    ),
)
_load = [dict(type='mmvisx.LoadImageFromFile'), dict(type='mmvisx.LoadTaskAnnotations'), scale]
train_pipeline = [
    *_load,
    dict(type='mmvisx.RandomScale', low=0.75, high=1.5),
    dict(type='RandomCrop', crop_size=crop_size),
    # Upside down, an upper part would be a lower one.
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomRotate', prob=1.0, degree=10),
    dict(type='mmvisx.PackTaskInputs'),
]
test_pipeline = [
    _load[0],
    scale,
    _load[1],  # scored at the size of the image
    dict(type='mmvisx.PackTaskInputs'),
]

train_dataloader = dict(
    batch_size=10,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='mmvisx.MultiTaskDataset', tasks=train_tasks, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=20,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.MultiTaskDataset', tasks=val_tasks, test_mode=True, pipeline=test_pipeline
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='mmvisx.TaskIoUMetric', task='semantic'),
    dict(type='mmvisx.TaskIoUMetric', task='part'),
]
test_evaluator = val_evaluator

# 600 batches of 10, the cosine of Eq. 6.3, an evaluation after every fifth.
max_iters = 600
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters // 5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4),
)
cosine = dict(
    type='CosineAnnealingLR', by_epoch=False, begin=0, end=max_iters, T_max=max_iters, eta_min=0
)
param_scheduler = [cosine]
