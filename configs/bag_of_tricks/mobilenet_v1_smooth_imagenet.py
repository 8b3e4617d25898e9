# MobileNet, ImageNet, cosine decay and label smoothing.
#   tools/dist_train.sh configs/bag_of_tricks/mobilenet_v1_smooth_imagenet.py 8
# Hardware: 8 GPUs x 128 images, float16 (V100 in the document).
# Expected: top-1 72.93, top-5 91.14 (Table 2.6, row 3). Obtained: not run.
_base_ = [
    '../_base_/models/mobilenet_v1_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

param_scheduler = _base_.cosine
model = dict(
    head=dict(loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)),
)
