# ResNet-50 (stride on the 1x1), ImageNet, 256 images a step, linear scaling, warm-up, zero gamma
# and no bias decay.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_a_no_bias_decay_bs256_imagenet.py 8
# Hardware: 8 GPUs x 32 images, float32 (V100 in the document). 13.3 minutes an epoch there (Table
# 2.3).
# Expected: top-1 76.16, top-5 92.97 (Table 2.4, row 4, batch 256). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_baseline.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.with_warm_up
model = dict(backbone=dict(variant='a'))  # zero gamma by default
train_dataloader = dict(batch_size=32)
optim_wrapper = dict(
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
