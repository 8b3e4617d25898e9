# YOLOv3 as in yolov3_d53_cosine_voc0712.py, with mixup 0.5 : 0.5 without weights.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_mixup_even_voc0712.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: mAP 83.05 (Table 5.1, row 2). Obtained: not run.
_base_ = ['yolov3_d53_voc0712.py']

sync_bn = 'torch'
model = dict(**_base_.shapes)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='mmvisx.DetectionMixUp', ratio=0.5, weighted=False),
            *_base_.augment_large,
        ]
    )
)
param_scheduler = _base_.cosine
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=20),
]
