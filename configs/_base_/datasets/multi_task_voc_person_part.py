# D3 of 002, Table 3.2, for both tasks: every image has a map of VOC's classes and one of human
# parts. Lists and maps as for voc2012_sbd.py and pascal_person_part.py.
_base_ = './voc2012_sbd.py'

_folder = 'ImageSets/Segmentation/person_part_'
_train, _val = (
    dict(
        semantic=dict(
            type='mmvisx.PascalVOCDataset',
            data_root=_base_.data_root,
            ann_file=f'{_folder}{split}.txt',
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug'),
        ),
        part=dict(
            type='mmvisx.PascalPersonPartDataset',
            data_root=_base_.data_root,
            ann_file=f'{_folder}{split}.txt',
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationPersonPart'),
        ),
    )
    for split in ('train', 'val')
)
_load = [dict(type='mmvisx.LoadImageFromFile'), dict(type='mmvisx.LoadTaskAnnotations')]
_pack = [dict(type='mmvisx.PackTaskInputs')]
train_pipeline = [*_load, *_base_.train_pipeline[2:-1], *_pack]
test_pipeline = [*_load, *_pack]

train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='mmvisx.MultiTaskDataset', tasks=_train, pipeline=train_pipeline
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmvisx.MultiTaskDataset',
        tasks=_val,
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='mmvisx.TaskIoUMetric', task='semantic'),
    dict(type='mmvisx.TaskIoUMetric', task='part'),
]
test_evaluator = val_evaluator
