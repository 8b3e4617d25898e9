# gunn15_nano_cifar10.py with units that replace their segments: the same 136,050 parameters.
#   python tools/train.py configs/gunn/gunn15_no_res_nano_cifar10.py
# Hardware: one CPU core. Not in the document.
_base_ = './gunn15_nano_cifar10.py'

model = dict(backbone=dict(residual=False))
