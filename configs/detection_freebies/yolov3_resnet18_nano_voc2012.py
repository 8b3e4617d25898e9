# 100 photographs of VOC2012 (70 to train, 30 to validate on) for the nano YOLOv3, from scratch, on
# a CPU: any VOCdevkit folder with VOC2012/ImageSets/Main/{train,val}.txt will do.
#   python tools/train.py configs/detection_freebies/yolov3_resnet18_nano_voc2012.py
# Hardware: one CPU core, about a minute. Obtained: the row "VOC: baseline" of the series
# configs/_series_/freebies_yolov3.py in METHODS.md.
_base_ = ['yolov3_resnet18_nano_shapes_voc.py']

data_root = 'data/voc2012_det100/VOCdevkit/'
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='mmvisx.VOCDataset',
            data_root=data_root,
            filter_cfg=dict(_delete_=True, filter_empty_gt=True, bbox_min_size=0),
        )
    )
)
val_dataloader = dict(dataset=dict(type='mmvisx.VOCDataset', data_root=data_root))
test_dataloader = val_dataloader

max_epochs = 30
iterations = max_epochs * 9  # 70 images, 8 at a time
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(checkpoint=dict(interval=max_epochs))
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
        num_classes=20,
        anchor_generator=dict(
            base_sizes=[
                [(90, 41), (49, 76), (80, 81)],
                [(25, 55), (24, 84), (54, 46)],
                [(9, 13), (15, 33), (34, 28)],
            ],
        ),
    )
)
