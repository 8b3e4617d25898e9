# 120 epochs of 20,210 images in batches of 16 with the "poly" rate, as the references that
# 000, 2.6.2 follows; the chapter gives no numbers.
max_iters = 120 * 20210 // 16
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters // 10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type='PolyLR', eta_min=0, power=0.9, begin=0, end=max_iters, by_epoch=False)
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
