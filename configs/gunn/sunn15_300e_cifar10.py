# SUNN-15: GUNN-15 with all channels updated at once, CIFAR-10, 300 epochs.
#   tools/dist_train.sh configs/gunn/sunn15_300e_cifar10.py 4
# Hardware: 4 GPUs x 16 images. Expected: 5.64 % error, accuracy/top1 94.36 (Table 4-IV).
# Obtained: not run.
_base_ = './gunn15_300e_cifar10.py'

model = dict(backbone=dict(mode='simultaneous'))
