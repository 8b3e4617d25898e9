# ResNet-20 for 32x32 with shortcuts without parameters, the 1,500 PNGs of CIFAR-10.
#   python tools/train.py configs/bag_of_tricks/cifar_resnet20_nano_cifar10.py
# Its published weights, of a training on all of CIFAR-10, test and give features as they are:
#   python tools/test.py configs/bag_of_tricks/cifar_resnet20_nano_cifar10.py \
#       data/checkpoints/resnet20_cifar10.th
# Hardware: one CPU core. Not in the document. Obtained: not run; the published weights have top-1
# 91.2 on the 1,000 test PNGs.
_base_ = './resnet18_d_nano_cifar10.py'

model = dict(
    backbone=dict(_delete_=True, type='mmvisx.CifarResNet', depth=20),
    head=dict(in_channels=64),
)
