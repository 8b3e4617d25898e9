# gunn15_nano_cifar10.py with all channels updated at once: the same 136,050 parameters.
#   python tools/train.py configs/gunn/sunn15_nano_cifar10.py
# Hardware: one CPU core, 5 to 8 minutes. Not in the document. Obtained: top-1 55.13 ± 1.24,
# three seeds (configs/_series_/gunn_cifar10.py).
_base_ = './gunn15_nano_cifar10.py'

model = dict(backbone=dict(mode='simultaneous'))
