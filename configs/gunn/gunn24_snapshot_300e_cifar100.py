# Snapshot ensemble of GUNN-24, CIFAR-100: 6 cycles of 50 epochs, a checkpoint at each end; a test
# averages the probabilities of the 6.
#   tools/dist_train.sh configs/gunn/gunn24_snapshot_300e_cifar100.py 4
#   python tools/test.py configs/gunn/gunn24_snapshot_300e_cifar100.py \
#       work_dirs/gunn24_snapshot_300e_cifar100/epoch_{50,100,150,200,250,300}.pth
# Hardware: 4 GPUs x 16 images. Expected: 15.61 % error, accuracy/top1 84.39 (Table 4-III,
# "GUNN-24 Ensemble"). Obtained: not run.
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
default_hooks = dict(checkpoint=dict(interval=_base_.cycle, max_keep_ckpts=-1))
param_scheduler = _base_.snapshot_scheduler
