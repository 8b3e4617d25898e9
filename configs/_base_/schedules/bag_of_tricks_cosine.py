# As bag_of_tricks_efficient.py with one half wave of the cosine after the warm-up (000, Eq. 2.1).
_base_ = './bag_of_tricks_efficient.py'

max_epochs = 120
warmup_epochs = 5
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=warmup_epochs,
        end=max_epochs,
        T_max=max_epochs - warmup_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    ),
]
