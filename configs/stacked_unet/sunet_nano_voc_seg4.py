# A small Stacked U-Net that learns four photographs of PASCAL VOC by heart (data/voc_seg4, pairs of
# .jpg and .png): whether network, loss and labels fit together.
#   python tools/train.py configs/stacked_unet/sunet_nano_voc_seg4.py
# Hardware: one busy CPU core, 3 minutes. Not in the document. Obtained: mIoU 97.7 on the same
# images (seed 0). The test wants at least 90.
_base_ = [
    '../_base_/models/stacked_unet_nano.py',
    '../_base_/schedules/fcn_skip_nano.py',
]

data_root = 'data/voc_seg4/'
size = (256, 256)
model = dict(data_preprocessor=dict(size=size), backbone=dict(output_stride=8))

# All four in every batch; nothing is random. As squares, so that there is no padding, which the
# norms would count in training and not see in a test.
train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadSegAnnotations'),
    dict(type='Resize', scale=size, keep_ratio=False),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='Resize', scale=size, keep_ratio=False),
    dict(type='mmvisx.LoadSegAnnotations'),  # scored at the size of the image
    dict(type='PackSegInputs'),
]
dataset = dict(
    type='mmvisx.PascalVOCDataset',
    ann_file='',
    data_root=data_root,
    data_prefix=dict(img_path='', seg_map_path=''),
    pipeline=train_pipeline,
)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dataset,
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvisx.TaskIoUMetric')
test_evaluator = val_evaluator
