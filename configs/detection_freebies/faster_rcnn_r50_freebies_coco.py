# Faster R-CNN, ResNet-50 + FPN, 800x1300, COCO, all freebies, on a backbone pre-trained with mixup
# (resnet50_mixup_imagenet.py).
#   tools/dist_train.sh configs/detection_freebies/faster_rcnn_r50_freebies_coco.py 8
# From torchvision's weights, without that run of 200 epochs (and without its mixup), add
#   --cfg-options model.backbone.init_cfg.checkpoint=torchvision://resnet50
#       model.backbone.init_cfg.prefix=None
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr.
# Expected: box AP 37.6 (Table 5.4, row 1). Obtained: not run.
# The text does not give the length of the training. The original has 36.5.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/datasets/coco_detection_mix.py',
    '../_base_/default_runtime.py',
]

augment = [_base_.resize, _base_.flip, _base_.pack]
train_dataloader = dict(dataset=dict(pipeline=[dict(type='mmvisx.DetectionMixUp'), *augment]))

model = dict(
    backbone=dict(
        init_cfg=dict(
            _delete_=True,
            type='Pretrained',
            checkpoint='work_dirs/resnet50_mixup_imagenet/epoch_200.pth',
            prefix='backbone.',
        ),
    ),
    roi_head=dict(
        bbox_head=dict(
            num_classes=80,
            loss_cls=dict(_delete_=True, type='mmvisx.SmoothedCrossEntropyLoss'),
        )
    ),
)

max_epochs = 26
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        T_max=max_epochs,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
plain_hooks = _base_.custom_hooks
custom_hooks = [
    *plain_hooks,
    dict(type='mmvisx.BoxWeightsHook'),
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=3),
]
