# The first 210 training images of the rendered shapes, at half their size: 10 of them have label
# maps, of shapes and of the stuff behind them, and come five times an epoch: 10 batches of 5 + 20.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
data_root = 'data/shapes/coco/'
crop_size = (64, 64)
scale = dict(type='Resize', scale=crop_size, keep_ratio=False)

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadSegAnnotations'),
    scale,
    dict(type='mmvisx.RandomScale', low=0.75, high=1.5),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='mmvisx.RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    scale,
    dict(type='mmvisx.LoadSegAnnotations'),  # scored at the size of the image
    dict(type='PackSegInputs'),
]

shapes = dict(
    type='mmvisx.ShapesSceneDataset',
    data_root=data_root,
    data_prefix=dict(img_path='train', seg_map_path='stuffthingmaps/train'),
    indices=210,
    pipeline=train_pipeline,
)
train_dataloader = dict(
    batch_size=25,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
    dataset=dict(type='mmvisx.SemiSupervised', labelled=10, times=5, dataset=shapes),
)
val_dataloader = dict(
    batch_size=20,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.ShapesSceneDataset',
        data_root=data_root,
        data_prefix=dict(img_path='val', seg_map_path='stuffthingmaps/val'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.ViewIoU')
test_evaluator = val_evaluator
