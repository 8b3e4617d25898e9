# SUNet-64, pretrained on ImageNet by sunet64_120e_imagenet.py, 90 epochs, parts of persons:
# experiment E6 of 002.
#   python tools/train.py configs/stacked_unet/sunet64_pretrained_90e_pascal_person_part.py
# Hardware: one GPU with 10 GB. The document draws curves (Figure 6.3) and prints no number.
# Obtained: not run.
_base_ = [
    '../_base_/models/stacked_unet.py',
    '../_base_/datasets/pascal_person_part.py',
    '../_base_/schedules/stacked_unet_90e.py',
    '../_base_/segmentation_runtime_epochs.py',
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            prefix='backbone.',
            checkpoint='work_dirs/sunet64_120e_imagenet/epoch_120.pth',
        )
    ),
    decode_head=dict(num_classes=7),
)
