# FCN on ResNet-50-D, pretrained on ImageNet by resnet50_d_cosine_imagenet.py, 100 epochs. Half of
# VOC 2012 with SBD.
#   python tools/train.py configs/fcn_skip/fcn_r50_d_pretrained_100e_voc2012_sbd_half.py
# Hardware: one GPU with 10 GB. Not in the document, and no number of it is known. Obtained: not
# run.
_base_ = [
    '../_base_/models/fcn_skip_r18.py',
    '../_base_/datasets/voc2012_sbd.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

model = dict(
    # Those of the pretraining.
    data_preprocessor=dict(mean=[123.68, 116.779, 103.939], std=[58.393, 57.12, 57.375]),
    backbone=dict(
        _delete_=True,
        type='mmvisx.ResNetTweak',
        depth=50,
        variant='d',
        out_indices=(1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        init_cfg=dict(
            type='Pretrained',
            prefix='backbone.',
            checkpoint='work_dirs/resnet50_d_cosine_imagenet/epoch_120.pth',
        ),
    ),
    decode_head=dict(in_channels=[512, 1024, 2048]),
)

train_dataloader = dict(dataset=dict(ann_file=_base_.half))
max_epochs = 100
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [_base_.cosine | dict(end=max_epochs, T_max=max_epochs)]
optim_wrapper = dict(paramwise_cfg=_base_.slow_backbone)
