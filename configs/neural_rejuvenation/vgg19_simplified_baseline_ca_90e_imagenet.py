# Simplified VGG-19, ImageNet at 128x128, BL-CA: cross attention from the start, no rejuvenation.
#   tools/dist_train.sh configs/neural_rejuvenation/vgg19_simplified_baseline_ca_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images (4 Titan Xp, under a day, in the document). Expected: 31.58 % top-1
# error, 11.46 % top-5 error (Table 5-I, row 2). Obtained: not run.
_base_ = './vgg19_simplified_baseline_90e_imagenet.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmvisx.CrossAttentionBaselineHook', input_shape=(3, 128, 128)),
]
