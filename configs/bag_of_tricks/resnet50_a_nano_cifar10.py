# ResNet-50-A with a quarter of the channels on the 1,500 PNGs of CIFAR-10, 256 images a step,
# linear scaling of the rate only: row 1 of Table 2.4 in small.
#   python tools/train.py configs/bag_of_tricks/resnet50_a_nano_cifar10.py
# Hardware: one GPU, a minute. Obtained: the row "linear scaling" of the series
# configs/_series_/bag_of_tricks_large_batch.py in METHODS.md.
_base_ = './resnet18_d_nano_cifar10.py'

channels = 16
model = dict(
    backbone=dict(
        depth=50,
        variant='a',
        stem_channels=channels,
        base_channels=channels,
        zero_init_residual=False,
    ),
    head=dict(in_channels=4 * 8 * channels),
)
# A fifth of the chapter's 120 epochs and steps after 30, 60 and 90. The last, short batch of an
# epoch is left out: 5 steps an epoch.
batch_size = 256
max_epochs = 24
train_dataloader = dict(batch_size=batch_size)
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(checkpoint=dict(interval=max_epochs), logger=dict(interval=5))
optim_wrapper = dict(
    optimizer=dict(lr=0.1 * batch_size / 32),
    # Decay on everything.
    paramwise_cfg=dict(_delete_=True),
)
steps = dict(
    type='MultiStepLR', by_epoch=True, begin=0, end=max_epochs, milestones=[6, 12, 18], gamma=0.1
)
param_scheduler = [steps]
