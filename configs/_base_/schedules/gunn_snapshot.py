# Snapshot ensemble of 6: the 300 epochs of gunn_cifar.py as 6 cycles of 50, in each of which the
# rate falls from its start to 0 along half a cosine, step by step; a checkpoint at each end.
# 001, 4.6.3 gives the method and the 6. Cycles and cosine are those of the paper it cites, which
# starts at 0.1 for ResNet and 0.2 for DenseNet; here it is the document's 0.1.
_base_ = './gunn_cifar.py'

num_cycles = 6
cycle = 300 // num_cycles
param_scheduler = [
    dict(
        type='CosineRestartLR',
        by_epoch=True,
        periods=[cycle] * num_cycles,
        restart_weights=[1.0] * num_cycles,
        eta_min=0.0,
        convert_to_iter_based=True,
    )
]
