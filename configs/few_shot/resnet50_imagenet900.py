# ResNet-50 on the 900 large classes of ImageNet: makes the activations that few-shot classes are
# learnt from (001, 2.2.4.1).
#   python tools/train.py configs/few_shot/resnet50_imagenet900.py
# Hardware: 8 GPUs. Table 2-I, fine-tuned, top-1 among all 1000: 76.28 on the large classes.
# Obtained: not run.
_base_ = ['../_base_/datasets/imagenet900.py', '../_base_/classification_runtime.py']

model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='ResNet', depth=50, num_stages=4, out_indices=(3,)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=_base_.num_classes, in_channels=2048, topk=(1, 5)),
)

# The document gives no schedule: the usual one of mmpretrain.
max_epochs = 100
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4)
)
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1)
