# MobileNet-0.50, ImageNet at 128x128, without rejuvenation: 1,331,592 parameters.
#   tools/dist_train.sh configs/neural_rejuvenation/mobilenet_v1_050_baseline_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 41.77 % top-1 error (Table 5-III, row 1). Obtained: not
# run.
_base_ = [
    '../_base_/benchmarks/neural_rejuvenation_imagenet.py',
    '../_base_/classification_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline_128))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline_128))
test_dataloader = val_dataloader
model = dict(
    type='ImageClassifier',
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type='mmvisx.MobileNetV1', widen_factor=0.5),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=512, topk=(1, 5)),
)

# One cosine from 0.1, as the document says; how long is not said.
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        eta_min=0,
        by_epoch=True,
        begin=0,
        end=_base_.max_epochs,
        T_max=_base_.max_epochs,
        convert_to_iter_based=True,
    ),
]
