# SUNet-7-128 as in its published code, ImageNet, 120 epochs: 39,113,832 parameters.
# Block 3 has 2,048 channels; sunet7128_paper_120e_imagenet.py has the paper's 1,792.
#   tools/dist_train.sh configs/stacked_unet/sunet7128_120e_imagenet.py 8
# Hardware: 8 GPUs x 128 images. The document takes pretrained weights and says nothing of their
# training; the schedule is that of 000, 2.5.1. No number of it is known. Obtained: not run.
_base_ = './sunet64_120e_imagenet.py'

model = dict(backbone=dict(arch='sunet7128'), head=dict(in_channels=2304))
