# Faster R-CNN, ResNet-101 + FPN, COCO, all freebies but mixup of the pre-training.
#   tools/dist_train.sh configs/detection_freebies/faster_rcnn_r101_freebies_det_mixup_coco.py 8
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr.
# Expected: box AP 40.1 (Table 5.6, without and with). Obtained: not run.
_base_ = ['faster_rcnn_r50_freebies_coco.py']

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(checkpoint='work_dirs/resnet101_imagenet/epoch_120.pth'),
    )
)
