# SUNN-15: GUNN-15 with all channels updated at once, CIFAR-100, 300 epochs.
#   tools/dist_train.sh configs/gunn/sunn15_300e_cifar100.py 4
# Hardware: 4 GPUs x 16 images. Expected: 23.75 % error, accuracy/top1 76.25 (Table 4-IV).
# Obtained: not run.
_base_ = './gunn15_300e_cifar100.py'

model = dict(backbone=dict(mode='simultaneous'))
