# Darknet-53, ImageNet, cosine, label smoothing and mixup, 200 epochs: a backbone pre-trained with
# mixup for Tables 5.5 and 5.6.
#   tools/dist_train.sh configs/detection_freebies/darknet53_mixup_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16.
# Obtained: not run.
# No number in the document.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

train_cfg = dict(max_epochs=200)
param_scheduler = _base_.cosine_200e
# The detectors' normalisation.
data_preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
model = dict(
    backbone=dict(_delete_=True, type='mmdet.Darknet', depth=53, out_indices=(5,), norm_eval=False),
    head=dict(in_channels=1024, loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
    train_cfg=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2)),
)
