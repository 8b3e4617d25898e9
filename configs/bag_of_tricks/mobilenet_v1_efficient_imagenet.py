# MobileNet, ImageNet, "efficient" training (Section 2.3).
#   tools/dist_train.sh configs/bag_of_tricks/mobilenet_v1_efficient_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document). 3.7 minutes an epoch there (Table
# 2.3).
# Expected: top-1 71.90, top-5 90.53 (Table 2.6, row 1). Obtained: not run.
_base_ = [
    '../_base_/models/mobilenet_v1_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]
