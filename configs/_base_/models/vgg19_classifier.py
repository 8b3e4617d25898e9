# VGG-19, 1,000 classes.
model = dict(
    type='ImageClassifier',
    # The network ends with its own linear layers.
    backbone=dict(type='VGG', depth=19, num_classes=1000),
    neck=None,
    head=dict(type='mmvisx.ScoresHead', num_classes=1000, topk=(1, 5)),
)
