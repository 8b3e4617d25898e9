# What clusterings share (000, 3.3.1 and 3.4.3): rate 0.01, twice that for biases, momentum 0.9, no
# decay, batches of 256 in the order of the file. Targets are renewed every `interval` iterations
# (lambda in the document), until less than 0.1 % of the points change cluster.
_base_ = './runtime_without_classes.py'

interval = 160
max_iters = 200 * interval
model = dict(
    type='mmvisx.DEC',
    encoder=dict(type='mmvisx.StackedEncoder', channels=(784, 500, 500, 2000, 10)),
    num_clusters=10,
    channels=10,
)
train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=False),
    collate_fn=dict(type='mmvisx.datasets.whole_batch'),
    dataset=dict(type='mmvisx.VectorDataset'),
)
test_dataloader = dict(
    train_dataloader, batch_size=4096, sampler=dict(type='DefaultSampler', shuffle=False)
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
test_cfg = dict(type='TestLoop')
test_evaluator = dict(type='mmvisx.ClusterMetric')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0),
    paramwise_cfg=dict(bias_lr_mult=2.0),
)
common_hooks = _base_.custom_hooks
renewal = dict(type='mmvisx.DECTargetHook', interval=interval, tol=0.001, restarts=20)
custom_hooks = [*common_hooks, renewal]
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=10 * interval), logger=dict(interval=interval)
)
log_processor = dict(by_epoch=False)
