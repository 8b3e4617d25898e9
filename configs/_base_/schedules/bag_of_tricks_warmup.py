# As bag_of_tricks_baseline.py after 5 epochs of linear warm-up (000, 2.3.1), which are part of the
# 120.
_base_ = './bag_of_tricks_baseline.py'

warmup_epochs = 5
param_scheduler = [
    dict(
        type='mmvisx.LinearWarmupLR',
        by_epoch=True,
        begin=0,
        end=warmup_epochs,
        convert_to_iter_based=True,
    ),
    # Milestones count from `begin`, the end of the warm-up.
    dict(
        type='MultiStepLR',
        by_epoch=True,
        begin=warmup_epochs,
        end=120,
        milestones=[30, 60, 90],
        gamma=0.1,
    ),
]
