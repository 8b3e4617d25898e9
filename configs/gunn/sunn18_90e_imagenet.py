# SUNN-18: GUNN-18 with all channels updated at once, ImageNet, 90 epochs.
#   tools/dist_train.sh configs/gunn/sunn18_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 26.16 % top-1 and 8.48 % top-5 error, accuracy/top1 73.84
# and accuracy/top5 91.52 (Table 4-V). Obtained: not run.
_base_ = './gunn18_90e_imagenet.py'

model = dict(backbone=dict(mode='simultaneous'))
