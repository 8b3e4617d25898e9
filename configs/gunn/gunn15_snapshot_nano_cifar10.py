# gunn15_nano_cifar10.py as a snapshot ensemble: 6 cycles of 6 epochs, a checkpoint at each end.
#   python tools/train.py configs/gunn/gunn15_snapshot_nano_cifar10.py
#   python tools/test.py configs/gunn/gunn15_snapshot_nano_cifar10.py \
#       work_dirs/gunn15_snapshot_nano_cifar10/epoch_{6,12,18,24,30,36}.pth
# Hardware: one CPU core. Not in the document. Obtained: not run.
_base_ = './gunn15_nano_cifar10.py'

num_cycles = 6
cycle = 6
train_cfg = dict(max_epochs=cycle * num_cycles, val_interval=cycle)
param_scheduler = dict(
    _delete_=True,
    type='CosineRestartLR',
    by_epoch=True,
    periods=[cycle] * num_cycles,
    restart_weights=[1.0] * num_cycles,
    eta_min=0.0,
    convert_to_iter_based=True,
)
default_hooks = dict(checkpoint=dict(interval=cycle, max_keep_ckpts=-1))
