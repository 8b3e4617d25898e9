# A small Stacked U-Net, from scratch, images and index PNGs of one's own in
# data/mine/{images,masks}/{train,val}, 300 iterations of 4.
#   python tools/train.py configs/stacked_unet/sunet_nano_own_masks.py --classes ground ball box
# Hardware: one busy CPU core, 2 to 3 minutes. Not in the document. Obtained: mIoU 17.3 on four
# images of CamVid after training on 14 (one seed; 18.3 with --tta).
_base_ = [
    '../_base_/models/stacked_unet_nano.py',
    '../_base_/datasets/own_masks.py',
    '../_base_/schedules/fcn_skip_nano.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=len(_base_.classes)),
)
