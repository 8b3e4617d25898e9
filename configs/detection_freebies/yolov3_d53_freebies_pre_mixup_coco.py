# YOLOv3, COCO, all freebies but mixup of the detector.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_freebies_pre_mixup_coco.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: box AP 36.4 (Table 5.5, with and without). Obtained: not run.
_base_ = ['yolov3_d53_freebies_coco.py']

train_dataloader = dict(dataset=dict(pipeline=_base_.augment))
custom_hooks = _base_.plain_hooks  # neither weights nor a switch
