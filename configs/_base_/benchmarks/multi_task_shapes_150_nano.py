# Few rendered shapes for two tasks, at 96x96: the first 150 training images are annotated with
# classes of shapes and stuff, 150 others with parts; 400 held-out images with both. The training
# images are evaluated, too.
#   python tools/datasets/make_shapes.py --out data/shapes_96 --size 96 --train 300 --val 400 \
#       --parts
data_root = 'data/shapes_96/'
crop_size = (96, 96)

_parts = 'VOCdevkit/VOC2012/SegmentationPart'


def _semantic(split, **options):
    return dict(
        type='mmvisx.ShapesSceneDataset',
        data_root=data_root,
        data_prefix=dict(img_path=f'coco/{split}', seg_map_path=f'coco/stuffthingmaps/{split}'),
        **options,
    )


def _part(split, **options):
    return dict(
        type='mmvisx.ShapesPartDataset',
        data_root=data_root,
        data_prefix=dict(img_path=f'coco/{split}', seg_map_path=_parts),
        **options,
    )


train_tasks = dict(
    semantic=_semantic('train', indices=list(range(150))),
    part=_part('train', indices=list(range(150, 300))),
)
val_tasks = dict(
    semantic=_semantic('val'),
    part=_part('val'),
    semantic_train=train_tasks['semantic'],
    part_train=train_tasks['part'],
)
_load = [dict(type='mmvisx.LoadImageFromFile'), dict(type='mmvisx.LoadTaskAnnotations')]
train_pipeline = [
    *_load,
    dict(type='mmvisx.RandomScale', low=0.75, high=1.5),
    dict(type='RandomCrop', crop_size=crop_size),
    # Upside down, an upper part would be a lower one.
    dict(type='mmvisx.RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomRotate', prob=1.0, degree=10),
    dict(type='mmvisx.PackTaskInputs'),
]
test_pipeline = [*_load, dict(type='mmvisx.PackTaskInputs')]

# Ten images of each task in a batch.
train_dataloader = dict(
    batch_size=20,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='mmdet.MultiSourceSampler', batch_size=20, source_ratio=[1, 1]),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='mmvisx.MultiTaskDataset',
                tasks=dict(semantic=train_tasks['semantic']),
                pipeline=train_pipeline,
            ),
            dict(
                type='mmvisx.MultiTaskDataset',
                tasks=dict(part=train_tasks['part']),
                pipeline=train_pipeline,
            ),
        ],
        ignore_keys=['classes', 'palette', 'tasks'],
    ),
)
val_dataloader = dict(
    batch_size=25,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.MultiTaskDataset', tasks=val_tasks, test_mode=True, pipeline=test_pipeline
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='mmvisx.TaskIoUMetric', task='semantic'),
    dict(type='mmvisx.TaskIoUMetric', task='part'),
    dict(type='mmvisx.TaskIoUMetric', task='semantic', labels='semantic_train'),
    dict(type='mmvisx.TaskIoUMetric', task='part', labels='part_train'),
]
test_evaluator = val_evaluator

# 1,500 batches, the cosine of Eq. 6.3, an evaluation after every third.
max_iters = 1500
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters // 3)
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
