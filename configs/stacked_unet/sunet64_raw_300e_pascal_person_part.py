# SUNet-64, from scratch, 300 epochs, parts of persons: experiment E5 of 002.
#   python tools/train.py configs/stacked_unet/sunet64_raw_300e_pascal_person_part.py
# Hardware: one GPU with 10 GB. The document draws curves (Figure 6.3) and prints no number.
# Obtained: not run.
_base_ = [
    '../_base_/models/stacked_unet.py',
    '../_base_/datasets/pascal_person_part.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

model = dict(
    decode_head=dict(num_classes=7),
)

optim_wrapper = dict(optimizer=dict(lr=2e-3))
