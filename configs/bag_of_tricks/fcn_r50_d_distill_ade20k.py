# FCN, stages 3 and 4 dilated, on ResNet-50-D, + distillation without mixup, ADE20K.
#   tools/dist_train.sh configs/bag_of_tricks/fcn_r50_d_distill_ade20k.py 4 \
#       --cfg-options model.backbone.init_cfg.checkpoint=FILE
# Hardware: 4 GPUs x 4 images. FILE: the checkpoint of the base network.
# Expected: pixel accuracy 78.97, mIoU 38.90 (Table 2.9, row 5). Obtained: not run.
_base_ = [
    '../_base_/models/fcn_r50_d_d8.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/schedules/bag_of_tricks_ade20k.py',
    '../_base_/segmentation_runtime.py',
]

model = dict(
    backbone=dict(init_cfg=dict(checkpoint='work_dirs/resnet50_d_distill_imagenet/epoch_120.pth'))
)
