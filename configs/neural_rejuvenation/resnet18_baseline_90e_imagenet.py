# ResNet-18, ImageNet, without rejuvenation: 11,689,512 parameters.
#   tools/dist_train.sh configs/neural_rejuvenation/resnet18_baseline_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 30.30 % top-1 error, 10.70 % top-5 error (Table 5-II, row
# 3). Obtained: not run.
_base_ = [
    '../_base_/benchmarks/neural_rejuvenation_imagenet.py',
    '../_base_/classification_runtime.py',
]

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.ResNetTweak', depth=18, variant='b', zero_init_residual=False),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=512, topk=(1, 5)),
)
