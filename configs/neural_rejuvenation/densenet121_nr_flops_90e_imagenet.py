# DenseNet-121, post-activation, ImageNet, NR-CA-BR with the number of multiply-adds kept.
#   tools/dist_train.sh configs/neural_rejuvenation/densenet121_nr_flops_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 24.78 % top-1 error, 7.56 % top-5 error (Table 5-II, row
# 1). Obtained: not run.
_base_ = './densenet121_baseline_90e_imagenet.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(_base_.rejuvenation, variant='NR-CA', rescale=True, **_base_.flops),
]
