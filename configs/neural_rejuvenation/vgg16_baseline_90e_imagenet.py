# VGG-16 with two 1x1 convolutions of 4,096 channels, ImageNet, without rejuvenation: 37,706,664
# parameters.
#   tools/dist_train.sh configs/neural_rejuvenation/vgg16_baseline_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 24.26 % top-1 error, 7.32 % top-5 error (Table 5-II, row
# 2). Obtained: not run.
_base_ = [
    '../_base_/benchmarks/neural_rejuvenation_imagenet.py',
    '../_base_/classification_runtime.py',
]

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.ConvVGG', depth=16, extra_channels=(4096, 4096)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=4096, topk=(1, 5)),
)
