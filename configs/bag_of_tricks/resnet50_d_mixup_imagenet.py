# ResNet-50-D, ImageNet, cosine decay, label smoothing and mixup, 200 epochs.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_d_mixup_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 79.15, top-5 94.58 (Table 2.6, row 5). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

train_cfg = dict(max_epochs=200)
param_scheduler = _base_.cosine_200e
model = dict(
    head=dict(loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
    train_cfg=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2)),
)
