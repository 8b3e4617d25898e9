# Simplified VGG-19, ImageNet at 128x128, NR-FS: the architecture that NR finds, trained from
# scratch; the number of parameters is kept.
#   tools/dist_train.sh configs/neural_rejuvenation/vgg19_simplified_nr_fs_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images (4 Titan Xp, under a day, in the document). Expected: 31.26 % top-1
# error, 11.37 % top-5 error (Table 5-I, row 4). Obtained: not run.
_base_ = './vgg19_simplified_baseline_90e_imagenet.py'

custom_hooks = [*_base_.custom_hooks, dict(_base_.rejuvenation, threshold=0.25, variant='NR-FS')]
