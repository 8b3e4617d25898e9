# DetectoRS with ResNet-50 as in the main results: multi-scale training, 40 epochs, COCO (001,
# Tables 6-IV and 6-V).
#   tools/dist_train.sh configs/detectors/htc_rfp_sac_ms_40e.py 8
#   tools/dist_test.sh configs/detectors/htc_rfp_sac_ms_40e.py CHECKPOINT 8 --tta
# Hardware: 8 GPUs x 2 images. Expected box/mask AP on test-dev: 51.3/44.4, with --tta 53.0/45.8
# (Tables 6-IV, 6-V). Obtained: not run.
_base_ = [
    '../_base_/models/htc_r50_fpn.py',
    '../_base_/models/detectors_r50.py',
    '../_base_/datasets/coco_instance_semantic_ms.py',
    '../_base_/schedules/schedule_40e.py',
    '../_base_/tta/coco_flip_multiscale.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=_base_.detectors_backbone, neck=_base_.detectors_neck)
