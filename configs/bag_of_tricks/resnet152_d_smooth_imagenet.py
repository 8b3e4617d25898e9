# ResNet-152-D, ImageNet, cosine decay and label smoothing: the teacher of the recipes
# *_distill_imagenet.py (Section 2.5.5).
#   tools/dist_train.sh configs/bag_of_tricks/resnet152_d_smooth_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16. No number in the document. Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.cosine
model = dict(
    backbone=dict(depth=152),
    head=dict(loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
)
