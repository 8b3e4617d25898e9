# Faster R-CNN, ResNet-101 + FPN, 800x1300, COCO, all freebies, on a backbone pre-trained with mixup
# (resnet101_mixup_imagenet.py).
#   tools/dist_train.sh configs/detection_freebies/faster_rcnn_r101_freebies_coco.py 8
# From torchvision's weights, without that run of 200 epochs (and without its mixup), add
#   --cfg-options model.backbone.init_cfg.checkpoint=torchvision://resnet101
#       model.backbone.init_cfg.prefix=None
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr.
# Expected: box AP 41.1 (Table 5.4, row 2; Table 5.6, with and with). Obtained: not run.
# The original has 39.4.
_base_ = ['faster_rcnn_r50_freebies_coco.py']

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(checkpoint='work_dirs/resnet101_mixup_imagenet/epoch_200.pth'),
    )
)
