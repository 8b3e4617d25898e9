# ResNet-50-D for 1,000 classes; weights as in 000, 2.2.1 (Xavier, uniform; biases 0, gamma 1) but
# for the zero gamma of 2.3.1. Other variants: model.backbone.variant='a', 'b' or 'c'.
xavier = dict(type='Xavier', layer=['Conv2d', 'Linear'], distribution='uniform', bias=0)

model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='mmvisx.ResNetTweak',
        depth=50,
        variant='d',
        zero_init_residual=True,
        init_cfg=xavier,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead', num_classes=1000, in_channels=2048, topk=(1, 5), init_cfg=xavier
    ),
)
