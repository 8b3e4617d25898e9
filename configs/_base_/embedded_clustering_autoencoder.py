# What stacked autoencoders share (000, 3.3.2 and 3.4.3): four pairs of 50,000 iterations each, then
# 100,000 of all together; batches of 256 in the order of the file; rate 0.1, a tenth every 20,000,
# twice that for biases; momentum from 0 to 0.9 in the first 1,000 iterations of a stage (the last
# two of the published settings).
_base_ = './runtime_without_classes.py'

find_unused_parameters = True  # of the pairs that are not trained
stages = [50000, 50000, 50000, 50000, 100000]
model = dict(type='mmvisx.StackedAutoencoder', channels=(784, 500, 500, 2000, 10), dropout=0.2)
train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=False),
    collate_fn=dict(type='mmvisx.datasets.whole_batch'),
    dataset=dict(type='mmvisx.VectorDataset'),
)
train_cfg = dict(type='mmvisx.GreedyLoop', stages=stages)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0),
    paramwise_cfg=dict(bias_lr_mult=2.0),
)
param_scheduler = [
    dict(type='mmvisx.StageStepLR', stages=stages, step_size=20000, gamma=0.1),
    dict(type='mmvisx.StageMomentum', stages=stages, warmup=1000),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10000), logger=dict(interval=1000))
log_processor = dict(by_epoch=False)
