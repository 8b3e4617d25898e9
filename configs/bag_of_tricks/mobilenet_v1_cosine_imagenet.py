# MobileNet, ImageNet, efficient training with cosine decay.
#   tools/dist_train.sh configs/bag_of_tricks/mobilenet_v1_cosine_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 72.83, top-5 91.00 (Table 2.6, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/mobilenet_v1_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.cosine
