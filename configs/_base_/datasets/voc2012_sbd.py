# D1 of 002, Table 3.2: PASCAL VOC 2012 with SBD, less VOC's validation images: 10,582 + 1,449.
#   python tools/datasets/sbd_to_voc.py data/benchmark_RELEASE data/VOCdevkit/VOC2012
# makes the maps and lists. The printed augmentation (section 6.1); the mean is taken off and the
# rest of a crop padded by the model's data_preprocessor.
data_root = 'data/VOCdevkit/VOC2012/'
crop_size = (512, 512)
batch_size = 10
# Every second training image: "only 50% of D1 is used" (002, section 5.2, E1 and E2).
half = 'ImageSets/Segmentation/trainaug_half.txt'

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadSegAnnotations'),
    dict(type='mmvisx.RandomScale', low=0.5, high=2.0),  # Eq. 6.1
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='mmvisx.RandomFlip', prob=0.5),
    dict(type='RandomRotate', prob=1.0, degree=10),  # Eq. 6.2
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadSegAnnotations'),
    dict(type='PackSegInputs'),
]

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmvisx.PascalVOCDataset',
        data_root=data_root,
        ann_file='ImageSets/Segmentation/trainaug.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.PascalVOCDataset',
        data_root=data_root,
        ann_file='ImageSets/Segmentation/val.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.TaskIoUMetric')
test_evaluator = val_evaluator
