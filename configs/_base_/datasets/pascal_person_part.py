# D3 of 002, Table 3.2, for human parts: what PASCAL-Person-Part and SBD have in common, in the
# folder of VOC 2012.
#   python tools/datasets/pascal_part_to_person_part.py data/Annotations_Part \
#       data/VOCdevkit/VOC2012 --sbd data/benchmark_RELEASE --lists data/VOCdevkit/VOC2010
_base_ = './voc2012_sbd.py'

_part = dict(
    type='mmvisx.PascalPersonPartDataset',
    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationPersonPart'),
)
train_dataloader = dict(
    dataset=dict(ann_file='ImageSets/Segmentation/person_part_train.txt', **_part)
)
val_dataloader = dict(dataset=dict(ann_file='ImageSets/Segmentation/person_part_val.txt', **_part))
test_dataloader = val_dataloader
