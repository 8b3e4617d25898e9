# The nano DetectoRS without RFP.
#   python tools/train.py configs/detectors/htc_sac_nano_context.py
# Hardware: a part of a GPU, minutes. Not in the document. Obtained: see the series
# configs/_series_/detectors_context.py.
_base_ = './htc_rfp_sac_nano_context.py'

model = dict(
    backbone=dict(output_img=False),
    neck=dict(
        _delete_=True, type='FPN', in_channels=[64, 128, 256, 512], out_channels=64, num_outs=4
    ),
)
