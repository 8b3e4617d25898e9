# The document has no schedule for CIFAR. This is the published code's, where the fixed lambdas of
# the recipes are from, too: 64 images a step, 300 epochs, a tenth of the rate after half of them
# and after three quarters, counted from the rejuvenation; the rate is 0.1 until it.
max_epochs = 300
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
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

# The hook, at the first rate; a recipe adds what is to be left and the sparsity.
rejuvenation = dict(
    type='mmvisx.NeuralRejuvenationHook', variant='NR-CR', window=(0, max_epochs // 2)
)
# Network slimming with the penalty (1e-4 for VGG-19, 1e-5 for the others), 160 epochs and Nesterov
# momentum of the document's reference [181].
slimming = dict(type='mmvisx.NetworkSlimmingHook', target=0.5, penalty=1e-5, prune_epoch=160)
slimming_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[80, 120], gamma=0.1, end=160),
    dict(type='MultiStepLR', by_epoch=True, milestones=[80, 120], gamma=0.1, begin=160),
]
