# YOLOv3, 416x416, VOC 07+12 trainval, tested on 07 test: the baseline without data augmentation.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_no_augmentation_voc0712.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: mAP 64.26 (Table 5.2, row 1). Obtained: not run.
_base_ = ['yolov3_d53_voc0712.py']

train_dataloader = dict(dataset=dict(pipeline=[_base_.resize, _base_.pack]))
