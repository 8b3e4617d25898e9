# gunn15_nano_cifar10.py with all channels updated at once: the same 136,050 parameters.
#   python tools/train.py configs/gunn/sunn15_nano_cifar10.py
# Hardware: one CPU core. Not in the document.
_base_ = './gunn15_nano_cifar10.py'

model = dict(backbone=dict(mode='simultaneous'))
