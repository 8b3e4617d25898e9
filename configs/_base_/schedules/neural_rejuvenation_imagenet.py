# 256 images a step, 90 epochs, a tenth of the rate from the 31st and the 61st (001, 5.4.3; with 128
# images a step it is 100 epochs and once more from the 91st).
max_epochs = 90
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=256)
