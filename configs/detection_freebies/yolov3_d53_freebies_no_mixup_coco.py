# YOLOv3, COCO, all freebies but both mixups.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_freebies_no_mixup_coco.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: box AP 35.0 (Table 5.5, without and without). Obtained: not run.
_base_ = ['yolov3_d53_freebies_coco.py']

model = dict(backbone=dict(init_cfg=dict(checkpoint='work_dirs/darknet53_imagenet/epoch_120.pth')))
train_dataloader = dict(dataset=dict(pipeline=_base_.augment))
custom_hooks = _base_.plain_hooks  # neither weights nor a switch
