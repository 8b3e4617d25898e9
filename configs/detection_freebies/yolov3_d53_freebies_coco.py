# YOLOv3, COCO, all freebies, on a Darknet-53 pre-trained with mixup (darknet53_mixup_imagenet.py).
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_freebies_coco.py 8
# From published weights, without that run of 200 epochs (and without its mixup), add
#   --cfg-options model.backbone.init_cfg.checkpoint=open-mmlab://darknet53
#       model.backbone.init_cfg.prefix=None
#       model.data_preprocessor.mean=[0,0,0] model.data_preprocessor.std=[255,255,255]
# Hardware: 8 GPUs x 8 images.
# Expected: box AP 37.0 (Table 5.4, row 3; Table 5.5, with and with). Obtained: not run.
# The rate of 1e-3 is for 64 images a step and the loss of one image, see yolov3_d53_voc0712.py.
# "Without" and "with" name pre-training and detector. The original YOLOv3 has 33.0.
_base_ = [
    '../_base_/models/yolov3_d53.py',
    '../_base_/datasets/coco_detection_mix.py',
    '../_base_/default_runtime.py',
]

# Loaded at the largest size, since the batch is resized from there; tested at 608x608.
resize = dict(type='Resize', scale=(608, 608), keep_ratio=False)
augment = [
    dict(type='PhotoMetricDistortion'),
    dict(type='Expand', mean=[123.675, 116.28, 103.53], to_rgb=True, ratio_range=(1, 4)),
    dict(type='MinIoURandomCrop', min_ious=(0.1, 0.3, 0.5, 0.7, 0.9), min_crop_size=0.3),
    resize,
    _base_.flip,
    _base_.pack,
]
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
    dataset=dict(pipeline=[dict(type='mmvisx.DetectionMixUp'), *augment]),
)
val_dataloader = dict(batch_size=8, num_workers=4, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

model = dict(
    data_preprocessor=dict(
        # As the backbone's pre-training.
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        batch_augments=[
            dict(
                type='mmvisx.RandomTrainingShapes',
                random_size_range=(320, 608),
                interval=10,
                size_divisor=32,
            )
        ],
    ),
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/darknet53_mixup_imagenet/epoch_200.pth',
            prefix='backbone.',
        )
    ),
    bbox_head=dict(
        num_classes=80,
        loss_cls=dict(_delete_=True, type='mmvisx.SmoothedSigmoidLoss', reduction='sum'),
    ),
)
sync_bn = 'torch'

max_epochs = 200
iterations = max_epochs * 1833  # 117266 images, 64 at a time
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(checkpoint=dict(interval=10))
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=0.0005),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=2000),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, end=iterations, T_max=iterations),
]
auto_scale_lr = dict(enable=False, base_batch_size=64)
plain_hooks = _base_.custom_hooks
custom_hooks = [
    *plain_hooks,
    dict(type='mmvisx.BoxWeightsHook'),
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=20),
]
