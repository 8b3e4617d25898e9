# ImageNet (ISLVR 2012) with 10 % of labels (001, 3.2.5.3): random crops of 224 pixels, mirrored.
# Batches of 12 or 13 + 115 or 116. The list of labelled images is made by
#   python tools/datasets/split_labels.py data/imagenet/train --share 0.1 \
#       --out data/imagenet/tenth.txt
_base_ = 'imagenet_bag_of_tricks.py'

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
images = dict(
    type='mmvisx.ImageNet', data_root=_base_.data_root, split='train', pipeline=train_pipeline
)
labelled = 'data/imagenet/tenth.txt'
train_dataloader = dict(
    batch_size=128,
    drop_last=False,
    batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
    dataset=dict(_delete_=True, type='mmvisx.SemiSupervised', labelled=labelled, dataset=images),
)
val_evaluator = dict(_delete_=True, type='mmvisx.ViewAccuracy', top=5)
test_evaluator = val_evaluator
