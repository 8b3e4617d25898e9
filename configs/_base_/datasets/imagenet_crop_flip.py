# ImageNet (ISLVR 2012), training images cropped at random and mirrored; data as
# imagenet_bag_of_tricks.py. 8 GPUs x 32 images.
_base_ = './imagenet_bag_of_tricks.py'

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
