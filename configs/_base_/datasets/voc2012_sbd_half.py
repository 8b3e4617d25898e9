# Every second training image of D1: "only 50% of D1 is used" (002, section 5.2, E1 and E2).
_base_ = './voc2012_sbd.py'

train_dataloader = dict(dataset=dict(ann_file='ImageSets/Segmentation/trainaug_half.txt'))
