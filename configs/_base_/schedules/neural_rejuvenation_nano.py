# For trainings of less than a minute: 32 images a step, 15 epochs, drops after 12 and 14. A
# rejuvenated network has about as many: some 5 under the penalty and 10 after them, with drops
# after 7 and 9.
max_epochs = 15
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[12, 14], gamma=0.1)]

# For a backbone's init_cfg: scales that start at a half, as the authors' code has them, fall to 0
# in half the time.
half_scales = [
    dict(type='Kaiming', layer='Conv2d'),
    dict(type='Constant', layer='_BatchNorm', val=0.5),
]
