# ResNet-50-B, ImageNet, the baseline of Section 2.2.1: "B-standard" of Tables 2.8 and 2.9.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_b_standard_imagenet.py 8
# Hardware: 8 GPUs x 32 images, float32.
# Expected: top-1 76.14 (the column Top-1 of Tables 2.8 and 2.9). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_baseline.py',
    '../_base_/classification_runtime.py',
]

model = dict(backbone=dict(variant='b', zero_init_residual=False))
train_dataloader = dict(batch_size=32)
