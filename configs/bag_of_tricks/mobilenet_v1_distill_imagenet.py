# MobileNet, ImageNet, cosine decay, label smoothing and distillation from a ResNet-152-D.
#   tools/dist_train.sh configs/bag_of_tricks/mobilenet_v1_distill_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document). Teacher:
# resnet152_d_smooth_imagenet.py, first.
# Expected: top-1 71.97, top-5 90.89 (Table 2.6, row 4). Obtained: not run.
_base_ = [
    '../_base_/models/mobilenet_v1_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.cosine
model = dict(
    type='mmvisx.DistillationClassifier',
    head=dict(loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
    teacher=dict(
        type='ImageClassifier',
        backbone=dict(type='mmvisx.ResNetTweak', depth=152, variant='d'),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=1000, in_channels=2048),
    ),
    teacher_checkpoint='work_dirs/resnet152_d_smooth_imagenet/epoch_120.pth',
    temperature=20.0,
)
