# Faster R-CNN, ResNet-50 + FPN, 600x1000, VOC 07+12 trainval, tested on 07 test: all freebies: a
# cosine, label smoothing and mixup in the first 18 epochs.
#   tools/dist_train.sh configs/detection_freebies/faster_rcnn_r50_mixup_voc0712.py 8
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr.
# Expected: mAP 81.32 (Table 5.3, row 5). Obtained: not run.
_base_ = ['faster_rcnn_r50_voc0712.py']

model = dict(roi_head=_base_.smooth)
param_scheduler = _base_.cosine
train_dataloader = dict(
    dataset=dict(
        pipeline=[dict(type='mmvisx.DetectionMixUp'), _base_.resize, _base_.flip, _base_.pack]
    )
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmvisx.BoxWeightsHook'),
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=2),
]
