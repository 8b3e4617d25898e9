# YOLOv3, 416x416, VOC 07+12 trainval, tested on 07 test: the baseline + synchronised batch
# normalisation, random training shapes and a cosine.
#   tools/dist_train.sh configs/detection_freebies/yolov3_d53_cosine_voc0712.py 8
# Hardware: 8 GPUs x 8 images.
# Expected: mAP 81.69, in Table 5.1 81.5 (Table 5.2, row 5; Table 5.1, row 1). Obtained: not run.
# The text does not say what the baseline of Table 5.1 has; 81.5 is in no row of Table 5.2.
_base_ = ['yolov3_d53_voc0712.py']

sync_bn = 'torch'
model = dict(**_base_.shapes)
train_dataloader = dict(dataset=dict(pipeline=_base_.augment_large))
param_scheduler = _base_.cosine
