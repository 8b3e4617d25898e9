# ResNet-50-B, ImageNet, "efficient" training (Section 2.3).
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_b_efficient_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 76.66, top-5 93.28 (Table 2.5, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

model = dict(backbone=dict(variant='b'))
