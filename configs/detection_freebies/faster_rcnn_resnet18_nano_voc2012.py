# 100 photographs of VOC2012 (70 to train, 30 to validate on) for the nano Faster R-CNN, from
# scratch, on a CPU: any VOCdevkit folder with VOC2012/ImageSets/Main/{train,val}.txt will do.
#   python tools/train.py configs/detection_freebies/faster_rcnn_resnet18_nano_voc2012.py
# Hardware: one CPU core, about a minute. Obtained: the row "VOC: baseline" of the series
# configs/_series_/freebies_faster_rcnn.py in METHODS.md.
_base_ = ['faster_rcnn_resnet18_nano_shapes_voc.py']

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

max_epochs = 18
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
    roi_head=dict(
        bbox_roi_extractor=dict(featmap_strides=[4, 8, 16]), bbox_head=dict(num_classes=20)
    )
)
