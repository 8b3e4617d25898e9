# Digits 0 to 5 with 60 labels; among the unlabelled images are as many that are 6 to 9 (of no class
# that is known), and images the views are unsure of are left out. Lists and what is expected:
# docs/methods/co_training.md, "Foreign classes"; other shares: _series_/co_training_foreign.py.
#   python tools/train.py configs/co_training/foreign_nano_digits.py
# Hardware: one CPU core, a minute. Not in the document. Obtained: see docs/methods/co_training.md.
_base_ = 'two_views_nano_digits.py'

data_root = 'data/'
_images = dict(data_root=data_root, data_prefix='mnist_png/train')
_known = dict(_images, num_classes=6, ann_file='mnist_foreign/known.txt')
_train = _base_.train_dataloader.dataset.dataset
view = _base_.view | dict(head=_base_.view.head | dict(num_classes=6))
model = dict(
    type='mmvisx.ConfidentCoTraining',
    min_confidence=0.8,
    views=[view] * 2,
    data_preprocessor=dict(num_classes=6),
)
# 360 and 1,560 images: 24 batches of 15 + 65
train_dataloader = dict(
    batch_size=80,
    dataset=dict(
        labelled='data/mnist_foreign/labelled_0.txt',
        times=6,
        dataset=_known,
        unlabelled=_train
        | dict(_images, num_classes=None, ann_file='mnist_foreign/u50_0.txt', with_label=False),
    ),
)
_test = dict(data_root=data_root, data_prefix='mnist_png/test', ann_file='mnist_foreign/test.txt')
val_dataloader = dict(dataset=dict(_test, num_classes=6))
test_dataloader = val_dataloader

max_epochs = 240 // 24
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = dict(T_max=max_epochs)
custom_hooks = [hook | (dict(epochs=4) if 'epochs' in hook else {}) for hook in _base_.custom_hooks]
default_hooks = dict(checkpoint=dict(interval=max_epochs))
