# Inception-V3, ImageNet, the baseline of Section 2.2.1.
#   tools/dist_train.sh configs/bag_of_tricks/inception_v3_baseline_imagenet.py 8
# Hardware: 8 GPUs x 32 images, float32 (V100 in the document). 19.8 minutes an epoch there (Table
# 2.3).
# Expected: top-1 77.32, top-5 93.43 (Table 2.2, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/inception_v3_imagenet.py',
    '../_base_/schedules/bag_of_tricks_baseline.py',
    '../_base_/classification_runtime.py',
]

train_dataloader = dict(batch_size=32)
