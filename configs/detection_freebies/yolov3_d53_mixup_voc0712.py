# YOLOv3, 416x416, VOC 07+12 trainval, tested on 07 test: all freebies: synchronised batch
# normalisation, random training shapes, a cosine, label smoothing and mixup in the first 180
# epochs.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_mixup_voc0712.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: mAP 83.68 (Table 5.2, row 7). Obtained: not run.
_base_ = ['yolov3_d53_voc0712.py']

sync_bn = 'torch'
model = dict(**_base_.shapes, bbox_head=_base_.smooth)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='mmvisx.DetectionMixUp'),
            *_base_.augment_large,
        ]
    )
)
param_scheduler = _base_.cosine
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmvisx.BoxWeightsHook'),
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=20),
]
