# SUNet-64 for classes and human parts at once, from scratch, 300 epochs,
# plain SGD: experiment E7 of 002 without asynchronous SGD.
#   python tools/train.py configs/multi_task/sunet64_raw_sgd_300e_voc_person_part.py
# Hardware: one GPU with 10 GB. The document draws curves (Figures 6.2, 6.3) and prints no number.
# Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_sunet.py',
    '../_base_/datasets/multi_task_voc_person_part.py',
    '../_base_/schedules/stacked_unet_300e.py',
    '../_base_/segmentation_runtime_epochs.py',
]

default_hooks = dict(
    checkpoint=dict(save_best=['semantic/mIoU', 'part/mIoU'], rule=['greater', 'greater'])
)
