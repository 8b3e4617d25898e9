# MobileNet-V1 at full width for 1,000 classes; weights as in 000, 2.2.1.
xavier = dict(type='Xavier', layer=['Conv2d', 'Linear'], distribution='uniform', bias=0)

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.MobileNetV1', widen_factor=1.0, init_cfg=xavier),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead', num_classes=1000, in_channels=1024, topk=(1, 5), init_cfg=xavier
    ),
)
