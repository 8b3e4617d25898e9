# CIFAR-100 in its Python version (data/cifar100/cifar-100-python; mmpretrain downloads it if it is
# absent), as cifar10.py.
_base_ = './cifar10.py'

data_root = 'data/cifar100/'
dataset_type = 'CIFAR100'

data_preprocessor = dict(num_classes=100, mean=[129.3, 124.1, 112.4], std=[68.2, 65.4, 70.4])
crop = dict(type='RandomCrop', crop_size=32, padding=4, pad_val=(129, 124, 112))
train_pipeline = [crop, *_base_.train_pipeline[1:]]

train_dataloader = dict(
    dataset=dict(type=dataset_type, data_root=data_root, pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
test_dataloader = val_dataloader
