# YOLOv3, 416x416, VOC 07+12 trainval, tested on 07 test: the baseline + synchronised batch
# normalisation.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_sync_bn_voc0712.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: mAP 80.81 (Table 5.2, row 3). Obtained: not run.
_base_ = ['yolov3_d53_voc0712.py']

sync_bn = 'torch'
