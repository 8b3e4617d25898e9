# D1 with D2 of 002, Table 3.2: 10,582 images with VOC's classes and 28,280 with LIP's parts; no
# image has both, and a batch of 10 a random number of each (section 6.1).
_base_ = './multi_task_voc_person_part.py'

_lip = dict(
    type='mmvisx.LIPDataset',
    data_root='data/LIP/',
    data_prefix=dict(img_path='images', seg_map_path='segmentations'),
)
train_dataloader = dict(
    dataset=dict(
        tasks=dict(
            semantic=dict(ann_file='ImageSets/Segmentation/trainaug.txt'),
            part=dict(_delete_=True, ann_file='train.txt', **_lip),
        )
    )
)
val_dataloader = dict(
    dataset=dict(
        tasks=dict(
            semantic=dict(
                ann_file='ImageSets/Segmentation/val.txt',
                data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
            ),
            part=dict(_delete_=True, ann_file='val.txt', **_lip),
        )
    )
)
test_dataloader = val_dataloader
