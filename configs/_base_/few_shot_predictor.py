# What trainings of a parameter predictor share (001, 2.2.4.1): a bank of the training images of the
# large classes, and one of their test images to look at between.
_base_ = './runtime_without_classes.py'

channels = 2048
epoch = 250  # steps
max_iters = 300 * epoch
bank = 'data/banks/large_train'
test_bank = 'data/banks/large_test'

model = dict(
    type='mmvisx.PredictorTraining',
    predictor=dict(type='mmvisx.ParameterPredictor', channels=channels, depth=2),
)
train_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmvisx.StatisticSets', bank=bank, steps=max_iters, p_mean=0.9),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmvisx.BankBatches', bank=test_bank, means=bank),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvisx.JointAccuracy', num_large=900)
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters // 10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4)
)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=max_iters // 10))
log_processor = dict(by_epoch=False)
