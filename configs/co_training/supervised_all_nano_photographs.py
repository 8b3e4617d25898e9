# The ceiling of two_views_nano_photographs.py: two networks, all 5,085 images with their labels.
#   python tools/train.py configs/co_training/supervised_all_nano_photographs.py
# Hardware: one CPU core, two minutes. Not in the document. Obtained: not run to the end.
_base_ = 'two_views_nano_photographs.py'

model = dict(
    _delete_=True,
    type='mmvisx.SupervisedViews',
    views=[_base_.view] * 2,
    data_preprocessor=_base_.data_preprocessor,
)
# 49 images for each network; 5,085 / 98 = 51 steps an epoch
train_dataloader = dict(
    batch_size=2 * 49,
    batch_sampler=None,
    drop_last=True,
    dataset=dict(_base_.images, _delete_=True),
)
