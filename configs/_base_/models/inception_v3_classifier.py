# Inception-V3 without its second classifier, 1,000 classes; weights as in 000, 2.2.1.
xavier = dict(type='Xavier', layer=['Conv2d', 'Linear'], distribution='uniform', bias=0)

model = dict(
    type='ImageClassifier',
    # The network ends with its own linear layer.
    backbone=dict(type='InceptionV3', num_classes=1000, aux_logits=False, init_cfg=xavier),
    neck=None,
    head=dict(type='mmvisx.ScoresHead', num_classes=1000, topk=(1, 5)),
)
