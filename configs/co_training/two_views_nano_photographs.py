# Deep Co-Training in small: two networks of four convolutions, photographs with 500 labels, 1,224
# steps.
#   python tools/train.py configs/co_training/two_views_nano_photographs.py
# Hardware: one CPU core, three minutes. Not in the document. Obtained: not run to the end.
_base_ = [
    '../_base_/benchmarks/co_training_nano.py',
    '../_base_/datasets/co_training_photographs.py',
]

model = dict(data_preprocessor=_base_.data_preprocessor)
