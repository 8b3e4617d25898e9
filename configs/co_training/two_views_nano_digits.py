# Deep Co-Training in small: two networks of four convolutions, digits with 100 labels, 504 steps.
#   python tools/train.py configs/co_training/two_views_nano_digits.py
# Hardware: one CPU core, a minute. Not in the document. Obtained:
# views/mean 86.5, two seeds.
_base_ = [
    '../_base_/benchmarks/co_training_nano.py',
    '../_base_/datasets/co_training_digits.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
