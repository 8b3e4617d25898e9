# ResNet-50-D, ImageNet, cosine decay, label smoothing, mixup and distillation from a ResNet-152-D
# that was trained with mixup, 200 epochs.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_d_mixup_distill_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document). Teacher:
# resnet152_d_mixup_imagenet.py, first.
# Expected: top-1 79.29, top-5 94.63 (Table 2.6, row 6). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

train_cfg = dict(max_epochs=200)
param_scheduler = _base_.cosine_200e
model = dict(
    type='mmvisx.DistillationClassifier',
    head=dict(loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
    train_cfg=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2)),
    teacher=dict(
        type='ImageClassifier',
        backbone=dict(type='mmvisx.ResNetTweak', depth=152, variant='d'),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=1000, in_channels=2048),
    ),
    teacher_checkpoint='work_dirs/resnet152_d_mixup_imagenet/epoch_200.pth',
    temperature=20.0,
)
