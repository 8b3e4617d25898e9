# ResNet-101, ImageNet, without rejuvenation: 44,549,160 parameters.
#   tools/dist_train.sh configs/neural_rejuvenation/resnet101_baseline_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 22.44 % top-1 error, 6.21 % top-5 error (Table 5-II, row
# 6). Obtained: not run.
_base_ = [
    '../_base_/benchmarks/neural_rejuvenation_imagenet.py',
    '../_base_/classification_runtime.py',
]

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.ResNetTweak', depth=101, variant='b', zero_init_residual=False),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=2048, topk=(1, 5)),
)
