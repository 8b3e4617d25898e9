# Hybrid Task Cascade on a small GUNN with FPN, from scratch, the rendered shapes: boxes and masks.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/train.py configs/gunn/htc_gunn_fpn_nano_shapes.py
# Hardware: two CPU cores. Not in the document. Obtained: not run.
_base_ = '../detectors/htc_rfp_sac_nano_shapes.py'

stages = ((32, 4, 2, 1), (48, 4, 2, 1), (64, 4, 2, 1), (64, 4, 2, 1))
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmvisx.GUNN',
        arch=stages,
        memory_efficient=False,
        out_indices=(0, 1, 2, 3),
    ),
    neck=dict(
        _delete_=True,
        type='FPN',
        in_channels=[stage[0] for stage in stages],
        out_channels=_base_.channels,
        num_outs=4,
    ),
)
