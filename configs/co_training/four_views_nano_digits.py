# Deep Co-Training in small with four views, paired anew in each step.
#   python tools/train.py configs/co_training/four_views_nano_digits.py
# Hardware: one CPU core, a few minutes. Not in the document. Obtained: not run.
_base_ = 'two_views_nano_digits.py'

model = dict(views=[_base_.view] * 4)
train_dataloader = dict(batch_sampler=dict(bundles=4 // 2))
