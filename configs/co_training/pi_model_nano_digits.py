# Pi models beside two_views_nano_digits.py: two networks, each of which agrees with itself.
#   python tools/train.py configs/co_training/pi_model_nano_digits.py
# Hardware: one CPU core, a minute. Not in the document. Obtained:
# views/mean 84.35, one seed.
_base_ = 'two_views_nano_digits.py'

model = dict(
    _delete_=True,
    type='mmvisx.PiModel',
    views=[_base_.view] * 2,
    weight=100.0,
    data_preprocessor=_base_.data_preprocessor,
)
train_dataloader = dict(batch_sampler=dict(twins=True))
