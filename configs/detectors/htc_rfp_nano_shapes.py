# The nano DetectoRS without SAC.
#   python tools/train.py configs/detectors/htc_rfp_nano_shapes.py
# Hardware: two CPU cores. Not in the document. Obtained by two of its three epochs: box AP
# 0.276 ± 0.026 (three seeds); to its end: not run.
_base_ = './htc_rfp_sac_nano_shapes.py'

model = dict(backbone=dict(sac=None), neck=dict(rfp_backbone=dict(sac=None)))
