# FCN on ResNet-18 with a quarter of the channels.
_base_ = './fcn_skip_r18.py'

model = dict(
    backbone=dict(stem_channels=16, base_channels=16),
    decode_head=dict(in_channels=[32, 64, 128]),
)
