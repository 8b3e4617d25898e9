# ResNet-34, ImageNet, NR-BR with the number of parameters kept; the document's NR-CA-BR is the
# same here, as no convolution of a basic block lies between two that may lose neurons.
#   tools/dist_train.sh configs/neural_rejuvenation/resnet34_nr_params_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 25.77 % top-1 error, 8.10 % top-5 error (Table 5-II, row
# 4). Obtained: not run.
_base_ = './resnet34_baseline_90e_imagenet.py'

custom_hooks = [*_base_.custom_hooks, dict(_base_.rejuvenation, variant='NR', rescale=True)]
