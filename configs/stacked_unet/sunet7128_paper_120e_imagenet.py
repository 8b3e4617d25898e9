# SUNet-7-128 as in its paper, ImageNet, 120 epochs: 37,731,944 parameters (002, 4.1: 37.7M).
# The published checkpoint has another block 3; it fits sunet7128_120e_imagenet.py.
#   tools/dist_train.sh configs/stacked_unet/sunet7128_paper_120e_imagenet.py 8
# Hardware: 8 GPUs x 128 images. The document takes pretrained weights and says nothing of their
# training; the schedule is that of 000, 2.5.1. No number of it is known. Obtained: not run.
_base_ = './sunet64_120e_imagenet.py'

model = dict(backbone=dict(arch='sunet7128_paper'), head=dict(in_channels=2304))
