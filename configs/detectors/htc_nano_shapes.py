# The nano DetectoRS without RFP and SAC.
#   python tools/train.py configs/detectors/htc_nano_shapes.py
# Hardware: two CPU cores. Not in the document. Obtained by two of its three epochs: box AP
# 0.316 ± 0.024 (three seeds); to its end: not run.
_base_ = './htc_rfp_sac_nano_shapes.py'

model = dict(
    backbone=dict(output_img=False, conv_cfg=None, sac=None),
    neck=dict(
        _delete_=True, type='FPN', in_channels=[64, 128, 256, 512], out_channels=64, num_outs=4
    ),
)
