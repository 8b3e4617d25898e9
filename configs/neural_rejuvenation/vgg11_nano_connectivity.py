# VGG-11 with an eighth of the channels, on random grids of 16x16 cells: are two marked cells
# connected? 144,904 parameters of the backbone, 1,500 steps of 64 grids that are never seen again;
# no rejuvenation.
#   python tools/train.py configs/neural_rejuvenation/vgg11_nano_connectivity.py
# Hardware: one CPU core, some 4 minutes. Not in the document. Obtained: not run at this
# length; 2,200 steps: top-1 93.89 ± 2.93, three seeds
# (a row of configs/_series_/neural_rejuvenation_connectivity.py).
_base_ = ['../_base_/datasets/grid_connectivity.py', '../_base_/classification_runtime.py']

channels = 8
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(
        type='mmvisx.ConvVGG',
        depth=11,
        base_channels=channels,
        pool_after=(2, 5),
        # Half scales, as the authors' code has them, fall to 0 in half the time.
        init_cfg=[
            dict(type='Kaiming', layer='Conv2d'),
            dict(type='Constant', layer='_BatchNorm', val=0.5),
        ],
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=2, in_channels=8 * channels, topk=1),
)

# On 12x12 cells, or with a pooling less, it makes next to no mistake after these steps.
side = 16
# Enough for every row of the series: the longest has 2,500 steps.
train_dataloader = dict(dataset=dict(number=2500 * _base_.batch_size, side=side))
val_dataloader = dict(dataset=dict(side=side))
test_dataloader = val_dataloader

max_iters = 1500
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=False,
        milestones=[max_iters - 500, max_iters - 250],
        gamma=0.1,
    ),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=max_iters))
log_processor = dict(by_epoch=False)
