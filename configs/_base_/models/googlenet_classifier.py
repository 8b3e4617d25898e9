# GoogLeNet without its second and third classifier, 1,000 classes.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='mmvisx.TorchvisionFeatures',
        name='googlenet',
        layers=['inception5b'],
        arguments=dict(aux_logits=False, init_weights=False),
        init_cfg=dict(type='TruncNormal', layer=['Conv2d'], std=0.01),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=1024, topk=(1, 5)),
)
