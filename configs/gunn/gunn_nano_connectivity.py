# GUNN with one stage of 32 channels in 8 segments, on random grids: are two marked cells connected?
# 13,442 parameters, 800 steps of 64 grids that are never seen again.
#   python tools/train.py configs/gunn/gunn_nano_connectivity.py
# Hardware: one CPU core, less than two minutes. Not in the document. Obtained:
# top-1 81.89 ± 1.52, five seeds (configs/_series_/gunn_connectivity.py).
_base_ = ['../_base_/datasets/grid_connectivity.py', '../_base_/classification_runtime.py']

channels = 32
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(
        type='mmvisx.GUNN',
        arch=((channels, 8, 2, 1),),
        stem='cifar',
        final_channels=channels,
        # Maps this small are kept rather than computed again.
        memory_efficient=False,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=2, in_channels=channels, topk=1),
)

# The rate drops at half and three quarters, as in the document's trainings on CIFAR.
max_iters = _base_.num_images // _base_.batch_size
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters // 4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
param_scheduler = dict(
    type='MultiStepLR', by_epoch=False, milestones=[max_iters // 2, max_iters * 3 // 4], gamma=0.1
)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=max_iters))
log_processor = dict(by_epoch=False)
