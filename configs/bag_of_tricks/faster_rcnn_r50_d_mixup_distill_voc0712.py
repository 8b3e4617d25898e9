# Faster R-CNN without a pyramid on ResNet-50-D, + distillation with mixup, VOC 07+12 trainval,
# tested on 07 test.
#   tools/dist_train.sh configs/bag_of_tricks/faster_rcnn_r50_d_mixup_distill_voc0712.py 8 \
#       --cfg-options model.backbone.init_cfg.checkpoint=FILE \
#       model.roi_head.shared_head.init_cfg.checkpoint=FILE
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr. FILE: the checkpoint of the base
# network.
# Expected: mAP 81.33 (Table 2.8, row 7). Obtained: not run.
_base_ = [
    '../_base_/models/faster_rcnn_r50_d_c4.py',
    '../_base_/datasets/voc0712.py',
    '../_base_/default_runtime.py',
]

pretrained = dict(checkpoint='work_dirs/resnet50_d_mixup_distill_imagenet/epoch_200.pth')
model = dict(
    backbone=dict(init_cfg=pretrained),
    roi_head=dict(shared_head=dict(init_cfg=pretrained)),
)
