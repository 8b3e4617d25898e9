# ResNet-50 (stride on the 1x1), ImageNet, 1024 images a step, linear scaling, warm-up, zero gamma
# and no bias decay.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_a_no_bias_decay_bs1024_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float32 (V100 in the document).
# Expected: top-1 76.03, top-5 92.86 (Table 2.4, row 4, batch 1024). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_baseline.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.with_warm_up
model = dict(backbone=dict(variant='a'))  # zero gamma by default
batch_size = 1024
optim_wrapper = dict(
    optimizer=dict(lr=0.1 * batch_size / 256),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
auto_scale_lr = dict(base_batch_size=batch_size)
