# gunn15_nano_cifar10.py with all channels updated at once: the same 136,050 parameters.
#   python tools/train.py configs/gunn/sunn15_nano_cifar10.py
# Hardware: one GPU, time not measured. Not in the document. Obtained: not run
# (a row of configs/_series_/gunn_cifar10.py).
_base_ = './gunn15_nano_cifar10.py'

model = dict(backbone=dict(mode='simultaneous'))
