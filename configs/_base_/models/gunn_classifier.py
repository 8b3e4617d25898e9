# GUNN-15 for CIFAR-10 (001, Table 4-I).
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.GUNN', arch='gunn15'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=360,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
        topk=(1, 5),
    ),
)
