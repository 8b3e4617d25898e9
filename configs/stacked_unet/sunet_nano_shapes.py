# A small Stacked U-Net, from scratch, the rendered shapes, 300 iterations of 10 images.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
#   python tools/train.py configs/stacked_unet/sunet_nano_shapes.py
# Hardware: one busy CPU core, 4 minutes. Not in the document. Obtained: not run.
_base_ = [
    '../_base_/models/stacked_unet_nano.py',
    '../_base_/datasets/shapes_classes.py',
    '../_base_/schedules/fcn_skip_nano.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=7),
)
