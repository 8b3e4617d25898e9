# Faster R-CNN, ResNet-50 + FPN, 600x1000, VOC 07+12 trainval, tested on 07 test: the baseline + a
# cosine.
#   tools/dist_train.sh configs/detection_freebies/faster_rcnn_r50_cosine_voc0712.py 8
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr.
# Expected: mAP 79.59 (Table 5.3, row 3). Obtained: not run.
_base_ = ['faster_rcnn_r50_voc0712.py']

param_scheduler = _base_.cosine
