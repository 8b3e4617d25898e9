# Faster R-CNN, ResNet-101 + FPN, COCO, all freebies but both mixups.
#   tools/dist_train.sh configs/detection_freebies/faster_rcnn_r101_freebies_no_mixup_coco.py 8
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr.
# Expected: box AP 39.9 (Table 5.6, without and without). Obtained: not run.
_base_ = ['faster_rcnn_r50_freebies_coco.py']

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(checkpoint='work_dirs/resnet101_imagenet/epoch_120.pth'),
    )
)
train_dataloader = dict(dataset=dict(pipeline=_base_.augment))
custom_hooks = _base_.plain_hooks  # neither weights nor a switch
