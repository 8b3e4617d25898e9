# GUNN-18, ImageNet, 90 epochs: 28,909,736 parameters.
#   tools/dist_train.sh configs/gunn/gunn18_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 21.65 % top-1 and 5.87 % top-5 error on one central crop,
# accuracy/top1 78.35 and accuracy/top5 94.13 (Table 4-V). Obtained: not run.
_base_ = ['../_base_/datasets/imagenet_bag_of_tricks.py', '../_base_/classification_runtime.py']

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.GUNN', arch='gunn18'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=2000,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
        topk=(1, 5),
    ),
)

# Scale, shape, mirroring, colour and light, as the networks that 4.6.1.2 compares with.
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type='mmvisx.PCANoise', std=0.1),
    dict(type='PackInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))

# 0.1, 0.01 and 0.001 for 30 epochs each, as DenseNet (4.6.2).
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=90, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60], gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=256)
