# A classifier of 16x16 images in class folders, data_root/{train,test}/{class}/*.png.
_base_ = '../../configs/_base_/classification_runtime.py'

data_root = 'to be given'
loader = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
dataset = dict(
    type='mmvisx.ImageFolder',
    data_root=data_root,
    num_classes=3,
    pipeline=[dict(type='mmvisx.LoadImageFromFile'), dict(type='PackInputs')],
)
train_dataloader = dict(loader, dataset=dict(dataset, data_prefix='train'))
val_dataloader = dict(loader, dataset=dict(dataset, data_prefix='test'))
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1, 2))
test_evaluator = val_evaluator

data_preprocessor = dict(mean=[127.5] * 3, std=[60.0] * 3, num_classes=3)
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.CifarResNet', base_channels=4, stem_channels=4),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=3, in_channels=16),
)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
