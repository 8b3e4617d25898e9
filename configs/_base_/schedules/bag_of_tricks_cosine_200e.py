# As bag_of_tricks_cosine.py for the 200 epochs that mixup takes (000, 2.5.5).
_base_ = './bag_of_tricks_efficient.py'

max_epochs = 200
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
