# Simplified VGG-19, ImageNet at 128x128, without rejuvenation: 20,550,568 parameters.
#   tools/dist_train.sh configs/neural_rejuvenation/vgg19_simplified_baseline_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images (4 Titan Xp, under a day, in the document). Expected: 32.13 % top-1
# error, 11.97 % top-5 error (Table 5-I, row 1). Obtained: not run.
_base_ = [
    '../_base_/benchmarks/neural_rejuvenation_imagenet.py',
    '../_base_/classification_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline_128))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline_128))
test_dataloader = val_dataloader
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.ConvVGG', depth=19, stem='resnet'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=512, topk=(1, 5)),
)
