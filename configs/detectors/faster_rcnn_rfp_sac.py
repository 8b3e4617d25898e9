# DetectoRS on Faster R-CNN, ResNet-50, COCO boxes, 12 epochs.
#   tools/dist_train.sh configs/detectors/faster_rcnn_rfp_sac.py 8
# Hardware: 8 GPUs x 2 images. Not in the document, and no number of it is known. Obtained: not run.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/models/detectors_r50.py',
    '../_base_/benchmarks/coco_detection_1x.py',
]

model = dict(
    backbone=_base_.detectors_backbone,
    neck=_base_.detectors_neck,
    roi_head=dict(bbox_head=dict(num_classes=80)),
)
