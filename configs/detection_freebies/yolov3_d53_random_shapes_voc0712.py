# YOLOv3, 416x416, VOC 07+12 trainval, tested on 07 test: the baseline + synchronised batch
# normalisation and random training shapes.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_random_shapes_voc0712.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: mAP 81.23 (Table 5.2, row 4). Obtained: not run.
_base_ = ['yolov3_d53_voc0712.py']

sync_bn = 'torch'
model = dict(**_base_.shapes)
train_dataloader = dict(dataset=dict(pipeline=_base_.augment_large))
