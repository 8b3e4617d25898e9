# VGG-16 with two 1x1 convolutions of 4,096 channels, ImageNet, NR-CA-BR with the number of
# parameters kept.
#   tools/dist_train.sh configs/neural_rejuvenation/vgg16_nr_params_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 23.11 % top-1 error, 6.69 % top-5 error (Table 5-II, row
# 2). Obtained: not run.
_base_ = './vgg16_baseline_90e_imagenet.py'

custom_hooks = [*_base_.custom_hooks, dict(_base_.rejuvenation, variant='NR-CA', rescale=True)]
