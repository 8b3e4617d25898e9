# Wide-GUNN-18, ImageNet, 90 epochs: 45,624,936 parameters.
#   tools/dist_train.sh configs/gunn/wide_gunn18_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 20.59 % top-1 and 5.52 % top-5 error, accuracy/top1 79.41
# and accuracy/top5 94.48 (Table 4-V). Obtained: not run.
_base_ = './gunn18_90e_imagenet.py'

model = dict(backbone=dict(arch='wide_gunn18'))
