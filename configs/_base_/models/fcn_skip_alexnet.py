# FCN on AlexNet, whose fully connected layers are convolutions; else as fcn_skip_r18.py.
_base_ = './fcn_skip_r18.py'

model = dict(
    backbone=dict(_delete_=True, type='mmvisx.FCNFeatures', name='alexnet'),
    decode_head=dict(in_channels=[64, 192, 4096]),
)
