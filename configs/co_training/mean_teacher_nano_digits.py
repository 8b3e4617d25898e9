# Mean Teachers beside two_views_nano_digits.py: two networks, each with the average of its past.
#   python tools/train.py configs/co_training/mean_teacher_nano_digits.py
# Hardware: one CPU core, a minute. Not in the document. Obtained: not run to the end.
_base_ = 'two_views_nano_digits.py'

# Of the weights 100 and 10 the better with a choice of labels that the series does not use; 0.99 of
# the average stays in a step, since 504 are too few for the 0.999 of long trainings
model = dict(
    _delete_=True,
    type='mmvisx.MeanTeacher',
    views=[_base_.view] * 2,
    weight=10.0,
    momentum=0.01,
    data_preprocessor=_base_.data_preprocessor,
)
train_dataloader = dict(batch_sampler=dict(twins=True))
