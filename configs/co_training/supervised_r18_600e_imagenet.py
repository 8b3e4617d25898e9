# ResNet-18 (11,689,512 parameters) from 10 % of ImageNet's labels: the first phase of
# two_views_r18_20e_imagenet.py, with the seeds 0 and 1 for its views.
#   python tools/train.py configs/co_training/supervised_r18_600e_imagenet.py \
#       --work-dir work_dirs/imagenet_tenth_0 --cfg-options randomness.seed=0
# Hardware: 1 GPU. Expected: 52.23 % and 27.54 % error, top-1 47.77, top-5 72.46 (Table 3-III).
# Obtained: not run.
_base_ = [
    '../_base_/datasets/co_training_imagenet.py',
    '../_base_/classification_runtime.py',
]

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=512,
        loss=dict(type='CrossEntropyLoss'),
        topk=(1, 5),
    ),
    data_preprocessor=_base_.data_preprocessor,
)

train_dataloader = dict(
    batch_size=256,
    batch_sampler=None,
    drop_last=True,
    dataset=dict(
        _delete_=True,
        type='mmvisx.LabelledImages',
        labelled=_base_.labelled,
        dataset=_base_.images,
    ),
)
val_evaluator = dict(_delete_=True, type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator

# 3.2.5.3: 0.1, a tenth from the 301st epoch on
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=600, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[300], gamma=0.1)
default_hooks = dict(checkpoint=dict(interval=10))
randomness = dict(seed=0)
