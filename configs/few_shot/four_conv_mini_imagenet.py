# The simple network on the 80 large classes of mini-ImageNet (001, 2.2.4.2).
#   python tools/train.py configs/few_shot/four_conv_mini_imagenet.py
#   mmvisx few-shot build-bank CONFIG CHECKPOINT --split few_all --out data/banks/mini_few
#   mmvisx few-shot episodes --few data/banks/mini_few --predictor phi-2=CHECKPOINT
# Hardware: one GPU. Table 2-III, 5-way: 54.53 with 1 sample, 67.87 with 5. Obtained: not run.
_base_ = ['../_base_/datasets/mini_imagenet.py', '../_base_/classification_runtime.py']

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.FourConv', channels=64),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=_base_.num_classes, in_channels=64, topk=(1, 5)),
)

# Batches of 64, as in the authors' code; weight decay is not known.
max_epochs = 300
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4)
)
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[max_epochs // 2, max_epochs * 3 // 4], gamma=0.1
)
default_hooks = dict(checkpoint=dict(interval=10))
