# Raw models of the first series (002, Table 6.1): SGD, 300 epochs of batches of 10, and the cosine
# of Eq. 6.3 at every iteration. The equation as printed would multiply the rate again and again;
# lr * 0.5 * (1 + cos(pi * iteration / iterations)) is meant.
max_epochs = 300
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=5e-3, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        T_max=max_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    )
]
auto_scale_lr = dict(enable=False, base_batch_size=10)
# "We set the random seed manually and fix it to zero for all experiments" (6.1).
randomness = dict(seed=0)
