# SUNN-24: GUNN-24 with all channels updated at once, CIFAR-10, 300 epochs.
#   tools/dist_train.sh configs/gunn/sunn24_300e_cifar10.py 4
# Hardware: 4 GPUs x 16 images. Expected: 3.88 % error, accuracy/top1 96.12 (Table 4-IV).
# Obtained: not run.
_base_ = './gunn24_300e_cifar10.py'

model = dict(backbone=dict(mode='simultaneous'))
