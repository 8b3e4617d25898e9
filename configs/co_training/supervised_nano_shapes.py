# The supervised twin of two_views_nano_shapes.py: one FCN, as many steps, on the 10 images with
# label maps alone, all of them in each batch.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
#   python tools/train.py configs/co_training/supervised_nano_shapes.py
# Hardware: one CPU core. Not in the document. Obtained: see docs/methods/co_training.md.
_base_ = 'two_views_nano_shapes.py'

model = dict(
    _delete_=True,
    **_base_.view,
    data_preprocessor=_base_.model.data_preprocessor,
)
data = _base_.train_dataloader.dataset
train_dataloader = dict(
    batch_size=10,
    batch_sampler=None,
    dataset=dict(
        _delete_=True,
        type='mmvisx.LabelledImages',
        labelled=data.labelled,
        times=10,  # 10 steps an epoch, too
        dataset=data.dataset,
    ),
)
val_evaluator = dict(type='IoUMetric')
test_evaluator = val_evaluator
custom_hooks = _base_.hooks  # nothing rises
