# "ResNet-50-D Best": efficient training with cosine decay, label smoothing and mixup, 200 epochs,
# MIT Places365.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_d_best_places365.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 56.70, top-5 87.33 on the validation set (Table 2.7, row 2). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

train_cfg = dict(max_epochs=200)
param_scheduler = _base_.cosine_200e
model = dict(
    head=dict(num_classes=365, loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
    train_cfg=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2)),
)

# MIT Places365 as class folders (data/places365/train/{class}, val/{class}: "places365_standard,
# easy directory structure").
data_root = 'data/places365/'
data_preprocessor = dict(num_classes=365)
places = dict(_delete_=True, type='mmvisx.ImageFolder', data_root=data_root)
train_dataloader = dict(
    dataset=dict(places, num_classes=365, data_prefix='train', pipeline=_base_.train_pipeline)
)
val_dataloader = dict(
    dataset=dict(places, num_classes=365, data_prefix='val', pipeline=_base_.test_pipeline)
)
test_dataloader = val_dataloader
