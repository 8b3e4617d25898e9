# The document has no schedule for CIFAR. This is network slimming's, which Table 5-IV compares with
# (its reference [181]): 64 images a step, 160 epochs, a tenth of the rate after half of them and
# after three quarters.
max_epochs = 160
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=True,
        milestones=[max_epochs // 2, max_epochs * 3 // 4],
        gamma=0.1,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=64)
