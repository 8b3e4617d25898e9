# A small Stacked U-Net that tells 6,000 crops of single rendered shapes apart: pretraining for
# configs/_series_/multi_task_transfer.py.
#   python tools/datasets/make_shapes_crops.py
#   python tools/train.py configs/stacked_unet/sunet_nano_shapes_crops.py
# Hardware: one CPU core. Not in the document. Obtained: not run.
_base_ = [
    '../_base_/models/stacked_unet_nano.py',
    '../_base_/datasets/cifar10_png.py',
    '../_base_/classification_runtime.py',
]

data_root = 'data/shapes_crops/'
_classes = 6
model = dict(
    _delete_=True,
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor | dict(num_classes=_classes),
    # As the segmentors that its weights are for; crops are too small for strided U-Nets.
    backbone=_base_.model.backbone | dict(output_stride=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=_classes, in_channels=160, topk=(1,)),
)

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=64, crop_ratio_range=(0.6, 1.0)),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    dataset=dict(data_root=data_root, num_classes=_classes, pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=100,
    dataset=dict(data_root=data_root, data_prefix='val', num_classes=_classes),
)
test_dataloader = val_dataloader
val_evaluator = dict(topk=(1,))
test_evaluator = val_evaluator

# 24 epochs of 93 batches of 64.
max_epochs = 24
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        T_max=max_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    )
]
