# "ResNet-50-D Efficient", MIT Places365.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_d_efficient_places365.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 56.34, top-5 86.87 on the validation set (Table 2.7, row 1). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

model = dict(head=dict(num_classes=365))

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
