# GUNN-15-NoRes: GUNN-15 with units that replace their segments, CIFAR-10, 300 epochs.
#   tools/dist_train.sh configs/gunn/gunn15_no_res_300e_cifar10.py 4
# Hardware: 4 GPUs x 16 images. Expected: 4.45 % error, accuracy/top1 95.55 (Table 4-IV).
# Obtained: not run.
_base_ = './gunn15_300e_cifar10.py'

model = dict(backbone=dict(residual=False))
