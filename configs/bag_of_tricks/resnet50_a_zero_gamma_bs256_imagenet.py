# ResNet-50 (stride on the 1x1), ImageNet, 256 images a step, linear scaling, warm-up and zero
# gamma.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_a_zero_gamma_bs256_imagenet.py 8
# Hardware: 8 GPUs x 32 images, float32 (V100 in the document). 13.3 minutes an epoch there (Table
# 2.3).
# Expected: top-1 76.19, top-5 93.03 (Table 2.4, row 3, batch 256). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_baseline.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.with_warm_up
model = dict(backbone=dict(variant='a'))  # zero gamma by default
train_dataloader = dict(batch_size=32)
