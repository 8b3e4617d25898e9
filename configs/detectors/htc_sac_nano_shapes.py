# The nano DetectoRS without RFP.
#   python tools/train.py configs/detectors/htc_sac_nano_shapes.py
# Hardware: two CPU cores. Not in the document. Obtained: METHODS.md, "DetectoRS", seed table.
_base_ = './htc_rfp_sac_nano_shapes.py'

model = dict(
    backbone=dict(output_img=False),
    neck=dict(
        _delete_=True, type='FPN', in_channels=[64, 128, 256, 512], out_channels=64, num_outs=4
    ),
)
