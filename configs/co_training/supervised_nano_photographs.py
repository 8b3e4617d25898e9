# Supervised training beside two_views_nano_photographs.py: two networks, labelled images alone.
#   python tools/train.py configs/co_training/supervised_nano_photographs.py
# Hardware: one CPU core, two minutes. Not in the document. Obtained: not run to the end.
_base_ = 'two_views_nano_photographs.py'

model = dict(
    _delete_=True,
    type='mmvisx.SupervisedViews',
    views=[_base_.view] * 2,
    data_preprocessor=_base_.data_preprocessor,
)
# 49 labelled images for each network; 10 x 500 / 98 = 51 steps an epoch, as many as with U
train_dataloader = dict(
    batch_size=2 * 49,
    batch_sampler=None,
    drop_last=True,
    dataset=dict(
        _delete_=True,
        type='mmvisx.LabelledImages',
        labelled=50,
        times=10,
        dataset=_base_.images,
    ),
)
