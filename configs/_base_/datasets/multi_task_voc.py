# Data of 002 for two tasks, classes and human parts, with the augmentation and batches of
# voc2012_sbd.py. As it stands D3 of Table 3.2: every image has a map of VOC's classes and one of
# parts; lists and maps as for pascal_person_part.py. The recipes for D1 with D2 take lip_train and
# lip_val: 10,582 images with VOC's classes and 28,280 with LIP's parts; no image has both, and a
# batch of 10 a random number of each (section 6.1).
#   python tools/datasets/lip_to_folders.py data/instance-level_human_parsing data/LIP
data_root = 'data/VOCdevkit/VOC2012/'
crop_size = (512, 512)
batch_size = 10

_lists = 'ImageSets/Segmentation/'


def _semantic(ann_file, folder='SegmentationClassAug'):
    return dict(
        type='mmvisx.PascalVOCDataset',
        data_root=data_root,
        ann_file=_lists + ann_file,
        data_prefix=dict(img_path='JPEGImages', seg_map_path=folder),
    )


def _part(ann_file):
    return dict(
        type='mmvisx.PascalPersonPartDataset',
        data_root=data_root,
        ann_file=_lists + ann_file,
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationPersonPart'),
    )


def _lip(ann_file):
    return dict(
        type='mmvisx.LIPDataset',
        data_root='data/LIP/',
        ann_file=ann_file,
        data_prefix=dict(img_path='images', seg_map_path='segmentations'),
    )


_train, _val = (
    dict(semantic=_semantic(ann_file), part=_part(ann_file))
    for ann_file in ('person_part_train.txt', 'person_part_val.txt')
)
lip_train = dict(_delete_=True, semantic=_semantic('trainaug.txt'), part=_lip('train.txt'))
lip_val = dict(
    _delete_=True, semantic=_semantic('val.txt', 'SegmentationClass'), part=_lip('val.txt')
)
_load = [dict(type='mmvisx.LoadImageFromFile'), dict(type='mmvisx.LoadTaskAnnotations')]
_pack = [dict(type='mmvisx.PackTaskInputs')]
train_pipeline = [
    *_load,
    dict(type='mmvisx.RandomScale', low=0.5, high=2.0),  # Eq. 6.1
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='mmvisx.RandomFlip', prob=0.5),
    dict(type='RandomRotate', prob=1.0, degree=10),  # Eq. 6.2
    *_pack,
]
test_pipeline = [*_load, *_pack]

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmvisx.MultiTaskDataset', tasks=_train, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.MultiTaskDataset', tasks=_val, test_mode=True, pipeline=test_pipeline
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='mmvisx.TaskIoUMetric', task='semantic'),
    dict(type='mmvisx.TaskIoUMetric', task='part'),
]
test_evaluator = val_evaluator
