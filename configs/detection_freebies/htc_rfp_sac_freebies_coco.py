# DetectoRS (HTC + RFP + SAC), ResNet-50, COCO, with the freebies: a cosine, label smoothing, no
# decay of biases, mixup with masks and maps in the first 10 epochs.
#   tools/dist_train.sh configs/detection_freebies/htc_rfp_sac_freebies_coco.py 8
# Hardware: 8 GPUs x 2 images.
# Obtained: not run.
# Not in the documents: DetectoRS of 001 with the freebies of 000. Without them 49.0 box and 42.1
# mask AP (001, Table 6-II).
_base_ = ['../detectors/htc_rfp_sac.py']

load = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(
        type='mmvisx.LoadAnnotations',
        with_bbox=True,
        with_mask=True,
        with_seg=True,
        keep_instances=False,
    ),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MultiImageMixDataset',
        dataset={**_base_.train_dataloader.dataset, 'pipeline': load},
        pipeline=[
            dict(type='mmvisx.DetectionMixUp'),
            dict(type='Resize', scale=(1333, 800), keep_ratio=True),
            dict(type='RandomFlip', prob=0.5),
            dict(type='mmvisx.PackDetInputs'),
        ],
    )
)
model = dict(
    roi_head=dict(
        bbox_head=[
            {**head, 'loss_cls': dict(type='mmvisx.SmoothedCrossEntropyLoss')}
            for head in _base_.model.roi_head.bbox_head
        ]
    )
)
optim_wrapper = dict(paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0))
max_epochs = 12
param_scheduler = [
    _base_.warm_up,
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        T_max=max_epochs,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmvisx.BoxWeightsHook'),
    dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=2),
]
