# ResNet-18, ImageNet, NR-BR with the number of parameters kept; the document's NR-CA-BR is the
# same here, as no convolution of a basic block lies between two that may lose neurons.
#   tools/dist_train.sh configs/neural_rejuvenation/resnet18_nr_params_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 28.86 % top-1 error, 9.93 % top-5 error (Table 5-II, row
# 3). Obtained: not run.
_base_ = './resnet18_baseline_90e_imagenet.py'

custom_hooks = [*_base_.custom_hooks, dict(_base_.rejuvenation, variant='NR', rescale=True)]
