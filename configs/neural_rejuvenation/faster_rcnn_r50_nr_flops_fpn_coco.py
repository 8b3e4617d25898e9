# Faster R-CNN on ResNet-50 with FPN, COCO boxes: the pretrained backbone's dead neurons are
# rejuvenated, with the number of multiply-adds of backbone and pyramid kept (NR-CA-BR; cross
# attention in 16 of 64 convolutions).
#   tools/dist_train.sh configs/neural_rejuvenation/faster_rcnn_r50_nr_flops_fpn_coco.py 8
# Hardware: 8 GPUs x 2 images. Not in the document, and no number of it is known. Obtained: not run.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/benchmarks/coco_detection_1x.py',
]

# Rejuvenated neurons begin without statistics and without a trained scale, so nothing is frozen
# and the norms learn, over all GPUs as 2 images are too few.
model = dict(
    backbone=dict(
        frozen_stages=-1,
        norm_eval=False,
        norm_cfg=dict(type='SyncBN', requires_grad=True),
    ),
    roi_head=dict(bbox_head=dict(num_classes=80)),
)

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NeuralRejuvenationHook',
        resource='flops',
        # Pyramid and residual streams are fixed alive, 0.48 of the cost: half of the rest is dead.
        threshold=0.74,
        window=(0, 8),  # the epochs at the first rate
        variant='NR-CA',
        rescale=True,
        # 7,330 steps an epoch here, 5,004 on ImageNet.
        lambda_interval=5004 / 7330,
        input_shape=(3, 800, 1216),
    ),
]
