# "ResNet-50-D Best": efficient training with cosine decay, label smoothing and mixup, 200 epochs,
# MIT Places365.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_d_best_places365.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 56.70, top-5 87.33 on the validation set (Table 2.7, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/places365_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_cosine_200e.py',
    '../_base_/classification_runtime.py',
]

model = dict(
    head=dict(num_classes=365, loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
    train_cfg=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2)),
)
