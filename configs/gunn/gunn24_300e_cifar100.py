# GUNN-24, CIFAR-100, 300 epochs: 29,631,396 parameters.
#   tools/dist_train.sh configs/gunn/gunn24_300e_cifar100.py 4
# On one GPU: tools/train.py with --cfg-options train_dataloader.batch_size=64.
# Hardware: 4 GPUs x 16 images. Expected: 16.69 % error, accuracy/top1 83.31 (Table 4-III).
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/gunn_cifar.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/classification_runtime.py',
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(arch='gunn24'),
    head=dict(num_classes=100, in_channels=1080),
)
