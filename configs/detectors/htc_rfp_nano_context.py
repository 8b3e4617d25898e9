# The nano DetectoRS without SAC.
#   python tools/train.py configs/detectors/htc_rfp_nano_context.py
# Hardware: a part of a GPU, minutes. Not in the document. Obtained: see the series
# configs/_series_/detectors_context.py.
_base_ = './htc_rfp_sac_nano_context.py'

model = dict(backbone=dict(sac=None), neck=dict(rfp_backbone=dict(sac=None)))
