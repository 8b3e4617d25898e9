# 160 photographs of one class to overfit on, 40 to test on: raccoons, for the nano YOLOv3 from
# scratch. AP is measured on the 40 after every epoch, and on the 160 after every third.
#   python tools/datasets/xml_to_voc.py RACCOON/images RACCOON/annotations \
#       --out data/raccoon --val 40
#   python tools/train.py configs/detection_freebies/yolov3_resnet18_nano_raccoon.py
# (RACCOON: the raccoon data set of D. Tran, MIT licence, 200 photographs with 217 boxes.)
# Hardware: one CPU core. Obtained: the row "baseline" of the series
# configs/_series_/freebies_overfit.py in METHODS.md.
_base_ = ['yolov3_resnet18_nano_shapes_voc.py']

data_root = 'data/raccoon/VOCdevkit/'
side = 128
metainfo = dict(classes=('raccoon',))
resize = dict(type='Resize', scale=(side, side), keep_ratio=False)
# The one augmentation is a mirror: with more of it 12 epochs do not overfit.
augment = [resize, _base_.flip, _base_.pack]
test_pipeline = [_base_.test_pipeline[0], resize, *_base_.test_pipeline[2:]]

train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='mmvisx.VOCDataset',
            data_root=data_root,
            metainfo=metainfo,
            filter_cfg=dict(_delete_=True, filter_empty_gt=True, bbox_min_size=0),
        ),
        pipeline=augment,
    )
)
val_dataloader = dict(
    batch_size=40,
    dataset=dict(
        type='mmvisx.VOCDataset',
        data_root=data_root,
        metainfo=metainfo,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
# The photographs of the training, without augmentation.
second_validation = dict(
    type='mmvisx.SecondValidationHook',
    dataloader={
        **val_dataloader,
        'num_workers': 0,
        'sampler': dict(type='DefaultSampler', shuffle=False),
        'dataset': {
            **val_dataloader['dataset'],
            'ann_file': 'VOC2012/ImageSets/Main/train.txt',
            'data_prefix': dict(sub_data_root='VOC2012/'),
            'test_mode': True,
        },
    },
    evaluator=dict(type='mmvisx.VOCMetric', prefix='train'),
    interval=3,
)
custom_hooks = [*_base_.custom_hooks, second_validation]

max_epochs = 12
per_epoch = 20  # 160 images, 8 at a time
iterations = max_epochs * per_epoch
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=max_epochs), logger=dict(interval=per_epoch))
param_scheduler = [
    _base_.warm_up,
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=iterations,
        milestones=[2 * iterations // 3, 11 * iterations // 12],
        gamma=0.1,
    ),
]

model = dict(
    bbox_head=dict(
        num_classes=1,
        anchor_generator=dict(
            # Means of nine clusters of the 160 photographs' boxes.
            base_sizes=[
                [(86, 119), (106, 120), (122, 111)],
                [(94, 70), (72, 112), (95, 95)],
                [(36, 42), (48, 72), (58, 104)],
            ],
        ),
    )
)
