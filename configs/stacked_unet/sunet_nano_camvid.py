# A small Stacked U-Net, from scratch, 14 images of CamVid in data/camvid, 300 iterations of 4.
#   python tools/train.py configs/stacked_unet/sunet_nano_camvid.py
# Hardware: one busy CPU core, 3 minutes. Not in the document. Obtained: mIoU 18.0
# (seed 0).
_base_ = [
    '../_base_/models/stacked_unet_nano.py',
    '../_base_/datasets/camvid_nano.py',
    '../_base_/schedules/fcn_skip_nano.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11),
)
