# DenseNet-121, post-activation, ImageNet, without rejuvenation: 7,915,688 parameters.
#   tools/dist_train.sh configs/neural_rejuvenation/densenet121_baseline_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 25.32 % top-1 error, 7.88 % top-5 error (Table 5-II, row
# 1). Obtained: not run.
_base_ = [
    '../_base_/benchmarks/neural_rejuvenation_imagenet.py',
    '../_base_/classification_runtime.py',
]

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.PostActivationDenseNet', arch='121'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=1024, topk=(1, 5)),
)
