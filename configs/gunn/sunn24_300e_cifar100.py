# SUNN-24: GUNN-24 with all channels updated at once, CIFAR-100, 300 epochs.
#   tools/dist_train.sh configs/gunn/sunn24_300e_cifar100.py 4
# Hardware: 4 GPUs x 16 images. Expected: 19.60 % error, accuracy/top1 80.40 (Table 4-IV).
# Obtained: not run.
_base_ = './gunn24_300e_cifar100.py'

model = dict(backbone=dict(mode='simultaneous'))
