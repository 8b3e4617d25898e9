# Faster R-CNN without a pyramid on ResNet-50-D, 20 classes: proposals from stage 3, stage 4 on
# each of them (000, 2.6.1: the base network takes the place of VGG); and how it is trained.
_base_ = './faster_rcnn_r50_fpn.py'

norm_cfg = dict(type='BN', requires_grad=False)
# Where the classifier's checkpoint is, say the recipes.
pretrained = dict(type='Pretrained', prefix='backbone.')
stage_3 = dict(
    type='mmvisx.ResNetTweak',
    depth=50,
    variant='d',
    num_stages=3,
    strides=(1, 2, 2),
    dilations=(1, 1, 1),
    out_indices=(2,),
    frozen_stages=1,
    norm_cfg=norm_cfg,
    norm_eval=True,
    init_cfg=pretrained,
)
stage_4 = dict(
    type='mmvisx.ResNetTweakStage',
    depth=50,
    variant='d',
    norm_cfg=norm_cfg,
    norm_eval=True,
    init_cfg=pretrained,
)
# The box head behind stage 4 has no hidden layers.
bbox_head = {k: v for k, v in _base_.model.roi_head.bbox_head.items() if k != 'fc_out_channels'}

model = dict(
    # Those of the pretraining.
    data_preprocessor=dict(mean=[123.68, 116.779, 103.939], std=[58.393, 57.12, 57.375]),
    backbone=dict(stage_3, _delete_=True),
    neck=None,
    rpn_head=dict(
        in_channels=1024,
        feat_channels=1024,
        anchor_generator=dict(scales=[2, 4, 8, 16, 32], strides=[16]),
    ),
    roi_head=dict(
        shared_head=stage_4,
        bbox_roi_extractor=dict(
            roi_layer=dict(output_size=14), out_channels=1024, featmap_strides=[16]
        ),
        bbox_head=dict(
            bbox_head,
            _delete_=True,
            type='BBoxHead',
            with_avg_pool=True,
            in_channels=2048,
        ),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=12000, max_per_img=2000),
        rcnn=dict(sampler=dict(num=128)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=6000, max_per_img=300)),
)

# Linear warm-up and a long schedule, "refinements from Detectron" (000, 2.6.1), which gives no
# numbers: 20 epochs, drops after 14 and 18.
max_epochs = 20
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(
        type='MultiStepLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        milestones=[14, 18],
        gamma=0.1,
    ),
]
# 0.001 an image: 8 GPUs x 2.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001 * 16, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=35, norm_type=2),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
