# GUNN-15, CIFAR-10, 300 epochs: 1,585,746 parameters.
#   tools/dist_train.sh configs/gunn/gunn15_300e_cifar10.py 4
# On one GPU: tools/train.py with --cfg-options train_dataloader.batch_size=64.
# Hardware: 4 GPUs x 16 images. Expected: 4.15 % error, accuracy/top1 95.85 (Table 4-III).
# Obtained: not run.
_base_ = [
    '../_base_/benchmarks/gunn_cifar.py',
    '../_base_/datasets/cifar10.py',
    '../_base_/classification_runtime.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
