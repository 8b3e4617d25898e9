# MobileNet, ImageNet, the baseline of Section 2.2.1.
#   tools/dist_train.sh configs/bag_of_tricks/mobilenet_v1_baseline_imagenet.py 8
# Hardware: 8 GPUs x 32 images, float32 (V100 in the document). 6.2 minutes an epoch there (Table
# 2.3).
# Expected: top-1 69.03, top-5 88.71 (Table 2.2, row 3). Obtained: not run.
_base_ = [
    '../_base_/models/mobilenet_v1_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_baseline.py',
    '../_base_/classification_runtime.py',
]

train_dataloader = dict(batch_size=32)
