# "ResNet-50-D Efficient", MIT Places365.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_d_efficient_places365.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 56.34, top-5 86.87 on the validation set (Table 2.7, row 1). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/places365_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

model = dict(head=dict(num_classes=365))
