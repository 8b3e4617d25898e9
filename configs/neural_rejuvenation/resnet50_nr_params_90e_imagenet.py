# ResNet-50, ImageNet, NR-CA-BR with the number of parameters kept; cross attention in 16 of
# 53 convolutions, those between two that may lose neurons.
#   tools/dist_train.sh configs/neural_rejuvenation/resnet50_nr_params_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 22.93 % top-1 error, 6.47 % top-5 error (Table 5-II, row
# 5). Obtained: not run.
_base_ = './resnet50_baseline_90e_imagenet.py'

custom_hooks = [*_base_.custom_hooks, dict(_base_.rejuvenation, variant='NR-CA', rescale=True)]
