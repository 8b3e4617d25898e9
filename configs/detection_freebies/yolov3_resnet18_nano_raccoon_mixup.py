# yolov3_resnet18_nano_raccoon.py with weighted mixup in all but the last epoch.
#   python tools/train.py configs/detection_freebies/yolov3_resnet18_nano_raccoon_mixup.py
# Hardware: one CPU core. Obtained: the row "mixup, weighted" of the series
# configs/_series_/freebies_overfit.py in METHODS.md.
_base_ = ['yolov3_resnet18_nano_raccoon.py']

train_dataloader = dict(
    dataset=dict(pipeline=[dict(type='mmvisx.DetectionMixUp'), *_base_.augment])
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmvisx.BoxWeightsHook'),
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=1),
]
