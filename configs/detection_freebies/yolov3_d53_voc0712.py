# YOLOv3, 416x416, VOC 07+12 trainval, tested on 07 test: the baseline, with data augmentation,
# steps and a warm-up.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_voc0712.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: mAP 80.25 (Table 5.2, row 2). Obtained: not run.
# The rate of 1e-3 is for 64 images a step and the loss of one image, as in the published training
# (sums over an image's anchors, divided by the images): 8 GPUs x 8 images and 1 x 64 give the same
# step. For other batches: --auto-scale-lr.
# Differs from the document: every size is resized with bilinear interpolation. The warm-up is
# Darknet's; the text gives no length.
_base_ = [
    '../_base_/models/yolov3_d53.py',
    '../_base_/datasets/voc0712_mix.py',
    '../_base_/default_runtime.py',
]

resize = dict(type='Resize', scale=(416, 416), keep_ratio=False)
distort = [
    dict(type='PhotoMetricDistortion'),
    dict(type='Expand', mean=[0, 0, 0], ratio_range=(1, 4)),
    dict(type='MinIoURandomCrop', min_ious=(0.1, 0.3, 0.5, 0.7, 0.9), min_crop_size=0.3),
]
augment = [*distort, resize, _base_.flip, _base_.pack]
test_pipeline = [
    _base_.load[0],
    resize,
    _base_.load[1],
    dict(
        type='mmvisx.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    # All images have one size.
    batch_sampler=None,
    dataset=dict(pipeline=augment),
)
val_dataloader = dict(batch_size=8, num_workers=4, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

max_epochs = 200
iterations = max_epochs * 259  # 16551 images, 64 at a time
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(checkpoint=dict(interval=10))
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=0.0005),
)
warm_up = dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000)
param_scheduler = [
    warm_up,
    # "40k and 45k iterations" (5.3.4)
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=iterations,
        milestones=[40000, 45000],
        gamma=0.1,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=64)

# What the rows of Tables 5.1 and 5.2 take from here.
shapes = dict(
    data_preprocessor=dict(
        batch_augments=[
            dict(
                type='mmvisx.RandomTrainingShapes',
                random_size_range=(320, 608),
                interval=10,
                size_divisor=32,
            )
        ]
    )
)
# Loaded at the largest size, since the batch is resized from there.
augment_large = [
    *distort,
    dict(type='Resize', scale=(608, 608), keep_ratio=False),
    _base_.flip,
    _base_.pack,
]
cosine = [
    warm_up,
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, end=iterations, T_max=iterations),
]
smooth = dict(loss_cls=dict(_delete_=True, type='mmvisx.SmoothedSigmoidLoss', reduction='sum'))
