# Inception-V3 without its second classifier, 1,000 classes, weights as in 000, 2.2.1, and ImageNet
# at its 299x299 (2.2.2); 342 = 299 * 256 / 224.
_base_ = '../datasets/imagenet_bag_of_tricks.py'

xavier = dict(type='Xavier', layer=['Conv2d', 'Linear'], distribution='uniform', bias=0)

model = dict(
    type='ImageClassifier',
    # The network ends with its own linear layer.
    backbone=dict(type='InceptionV3', num_classes=1000, aux_logits=False, init_cfg=xavier),
    neck=None,
    head=dict(type='mmvisx.ScoresHead', num_classes=1000, topk=(1, 5)),
)

train_pipeline = [
    _base_.train_pipeline[0],
    dict(
        type='RandomResizedCrop',
        scale=299,
        crop_ratio_range=(0.08, 1.0),
        aspect_ratio_range=(3 / 4, 4 / 3),
    ),
    *_base_.train_pipeline[2:],
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='ResizeEdge', scale=342, edge='short'),
    dict(type='CenterCrop', crop_size=299),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
