# D2 of 002, Table 3.2: the multi-person images of Look Into Person, 28,280 + 5,000, 20 classes.
#   python tools/datasets/lip_to_folders.py data/instance-level_human_parsing data/LIP
# Augmentation and batches as D1's.
_base_ = './voc2012_sbd.py'
data_root = 'data/LIP/'

_lip = dict(
    type='mmvisx.LIPDataset',
    data_root=data_root,
    data_prefix=dict(img_path='images', seg_map_path='segmentations'),
)
train_dataloader = dict(dataset=dict(ann_file='train.txt', **_lip))
val_dataloader = dict(dataset=dict(ann_file='val.txt', **_lip))
test_dataloader = val_dataloader
