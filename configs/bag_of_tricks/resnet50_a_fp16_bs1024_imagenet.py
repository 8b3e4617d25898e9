# ResNet-50 (stride on the 1x1), ImageNet, 1024 images a step, all of Section 2.3: linear scaling,
# warm-up, zero gamma, no bias decay, float16.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_a_fp16_bs1024_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document). 4.4 minutes an epoch there (Table
# 2.3).
# Expected: top-1 76.21, top-5 92.97 (Table 2.4, row 5, batch 1024; Table 2.5, row 1). Obtained:
# not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

model = dict(backbone=dict(variant='a'))  # zero gamma by default
