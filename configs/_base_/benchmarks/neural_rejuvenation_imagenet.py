# ImageNet as chapter 5 of 001 uses it: training images cropped at random and mirrored, 8 GPUs x 32
# images, 90 epochs, a tenth of the rate from the 31st and the 61st (5.4.3; with 128 images a step
# it is 100 epochs and once more from the 91st).
_base_ = '../datasets/imagenet_bag_of_tricks.py'

_load, _pack = dict(type='mmvisx.LoadImageFromFile'), dict(type='PackInputs')
train_pipeline, train_pipeline_128 = (
    [
        _load,
        dict(type='RandomResizedCrop', scale=size),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        _pack,
    ]
    for size in (224, 128)
)
# 128x128 in training and testing (5.4.2 and Table 5-III).
test_pipeline_128 = [
    _load,
    dict(type='ResizeEdge', scale=128 * 256 // 224, edge='short'),
    dict(type='CenterCrop', crop_size=128),
    _pack,
]
# The hook, at the first rate; a recipe adds the variant and what is to be kept, flops for example.
rejuvenation = dict(type='mmvisx.NeuralRejuvenationHook', window=(0, 30))
flops = dict(resource='flops', input_shape=(3, 224, 224))

train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))

max_epochs = 90
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=256)
