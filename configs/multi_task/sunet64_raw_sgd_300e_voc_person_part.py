# SUNet-64 for classes and human parts at once, from scratch, 300 epochs,
# plain SGD: experiment E7 of 002 without asynchronous SGD.
#   python tools/train.py configs/multi_task/sunet64_raw_sgd_300e_voc_person_part.py
# Hardware: one GPU with 10 GB. The document draws curves (Figures 6.2, 6.3) and prints no number.
# Obtained: not run.
_base_ = [
    '../_base_/models/multi_task_sunet.py',
    '../_base_/datasets/multi_task_voc.py',
    '../_base_/schedules/fcn_skip_300e.py',
]

default_hooks = dict(
    checkpoint=dict(save_best=['semantic/mIoU', 'part/mIoU'], rule=['greater', 'greater'])
)

optim_wrapper = dict(optimizer=dict(lr=2e-3))
