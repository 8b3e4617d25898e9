# YOLOv3, COCO, all freebies but mixup of the pre-training.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_freebies_det_mixup_coco.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: box AP 35.3 (Table 5.5, without and with). Obtained: not run.
_base_ = ['yolov3_d53_freebies_coco.py']

model = dict(backbone=dict(init_cfg=dict(checkpoint='work_dirs/darknet53_imagenet/epoch_120.pth')))
