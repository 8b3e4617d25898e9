# Faster R-CNN, ResNet-50 + FPN, PASCAL VOC 07+12 trainval, tested on 07 test.
#   tools/train.py configs/voc/faster_rcnn_resnet50_voc0712.py
# Hardware: 8 GPUs x 2 images, lr 0.01; other sizes: --auto-scale-lr. Not in the documents.
# Expected 11-point mAP: 80.4 (mmdet's model zoo, the same settings). Obtained: not run.
_base_ = [
    '../_base_/models/faster_rcnn_r50_fpn.py',
    '../_base_/datasets/voc0712.py',
    '../_base_/default_runtime.py',
]

max_epochs = 12  # mmdet: 4 epochs over the data set repeated 3 times
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=3)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
param_scheduler = [
    dict(type='MultiStepLR', begin=0, end=max_epochs, by_epoch=True, milestones=[9], gamma=0.1)
]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0001),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
