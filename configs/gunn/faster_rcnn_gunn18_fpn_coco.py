# Faster R-CNN on GUNN-18 with FPN, COCO boxes, 12 epochs. The backbone's weights come from
# gunn18_90e_imagenet.py.
#   tools/dist_train.sh configs/gunn/faster_rcnn_gunn18_fpn_coco.py 8
# Hardware: 8 GPUs x 2 images. Not in the document (4.7 names it as future work), and no number of
# it is known. Obtained: not run.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/models/gunn18_backbone.py',
    '../_base_/benchmarks/coco_detection_1x.py',
]

model = dict(
    backbone=_base_.gunn_backbone,
    neck=dict(in_channels=_base_.gunn_channels),
    roi_head=dict(bbox_head=dict(num_classes=80)),
)
