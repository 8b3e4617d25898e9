# scikit-learn's handwritten digits as PNG files, 8x8: tools/datasets/digits_to_folder.py.
_base_ = './cifar10_png.py'

data_root = 'data/digits/'
# A digit that is mirrored is none, and one pixel is an eighth of the image.
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='RandomCrop', crop_size=8, padding=1),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
