# Inception-V3, ImageNet, "efficient" training (Section 2.3).
#   tools/dist_train.sh configs/bag_of_tricks/inception_v3_efficient_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document). 8 minutes an epoch there (Table
# 2.3).
# Expected: top-1 77.50, top-5 93.60 (Table 2.6, row 1). Obtained: not run.
_base_ = [
    '../_base_/models/inception_v3_imagenet.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]
