# DetectoRS on Cascade R-CNN, ResNet-50, COCO boxes, 12 epochs.
#   tools/dist_train.sh configs/detectors/cascade_rcnn_rfp_sac.py 8
# Hardware: 8 GPUs x 2 images. Not in the document; expected box AP on val2017: 47.4 (mmdet's model
# zoo, the same settings). Obtained: not run.
_base_ = [
    '../_base_/models/cascade_rcnn_r50_fpn.py',
    '../_base_/models/detectors_r50.py',
    '../_base_/datasets/coco_detection.py',
    '../_base_/schedules/schedule_1x.py',
    '../_base_/tta/coco_flip_multiscale.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=_base_.detectors_backbone, neck=_base_.detectors_neck)
