# ResNet-50 (stride on the 1x1), ImageNet, 256 images a step, all of Section 2.3: linear scaling,
# warm-up, zero gamma, no bias decay, float16.
#   tools/dist_train.sh configs/bag_of_tricks/resnet50_a_fp16_bs256_imagenet.py 8
# Hardware: 8 GPUs x 32 images, float16 (V100 in the document).
# Expected: top-1 76.15, top-5 93.09 (Table 2.4, row 5, batch 256). Obtained: not run.
_base_ = [
    '../_base_/models/resnet50_d_classifier.py',
    '../_base_/datasets/imagenet_bag_of_tricks.py',
    '../_base_/schedules/bag_of_tricks_efficient.py',
    '../_base_/classification_runtime.py',
]

model = dict(backbone=dict(variant='a'))  # zero gamma by default
train_dataloader = dict(batch_size=32)
batch_size = 256
optim_wrapper = dict(
    optimizer=dict(lr=0.1 * batch_size / 256),
)
auto_scale_lr = dict(base_batch_size=batch_size)
