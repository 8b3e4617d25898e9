# yolov3_resnet18_nano_voc2012_elephant.py with weighted mixup in all but the last 16 epochs: the
# second detector of Figure 5.4.
#   python tools/train.py configs/detection_freebies/yolov3_resnet18_nano_voc2012_elephant_mixup.py
# Hardware: one CPU core. Obtained: METHODS.md.
_base_ = ['yolov3_resnet18_nano_voc2012_elephant.py']

train_dataloader = dict(
    dataset=dict(
        pipeline=[dict(type='mmvisx.DetectionMixUp'), _base_.resize, _base_.flip, _base_.pack]
    )
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmvisx.BoxWeightsHook'),
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=16),
]
