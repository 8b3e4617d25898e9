# Faster R-CNN, ResNet-50 + FPN, 600x1000, VOC 07+12 trainval, tested on 07 test: the baseline, with
# mirrored images and steps.
#   tools/dist_train.sh configs/detection_freebies/faster_rcnn_r50_voc0712.py 8
# Hardware: 8 GPUs x 2 images; other sizes: --auto-scale-lr.
# Expected: mAP 77.77 (Table 5.3, row 2). Obtained: not run.
# The text gives neither the length of the training nor the network between backbone and head.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/datasets/voc0712_mix.py',
    '../_base_/default_runtime.py',
]

resize = dict(type='Resize', scale=(1000, 600), keep_ratio=True)
max_epochs = 20
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0001),
)
warm_up = dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500)
param_scheduler = [
    warm_up,
    # To a tenth after 60k of 80k iterations in Faster R-CNN's paper (5.3.4).
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=max_epochs, milestones=[15], gamma=0.1),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)

# What the rows of Table 5.3 take from here.
cosine = [
    warm_up,
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        T_max=max_epochs,
        convert_to_iter_based=True,
    ),
]
smooth = dict(bbox_head=dict(loss_cls=dict(_delete_=True, type='mmvisx.SmoothedCrossEntropyLoss')))
