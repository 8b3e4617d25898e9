# DEC on REUTERS, from the autoencoder of autoencoder_reuters.py; lambda is 20 in the
# published settings.
#   python tools/train.py configs/embedded_clustering/dec_reuters.py
# Hardware: one GPU. Expected: accuracy 75.63 %, the best of nine values of `interval` with one
# autoencoder (000, Table 3.2). Obtained: not run.
_base_ = ['../_base_/embedded_clustering_dec.py', '../_base_/datasets/reuters_vectors.py']

interval = 20
model = dict(
    encoder=dict(
        channels=(2000, 500, 500, 2000, 10),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/autoencoder_reuters/iter_300000.pth',
            prefix='encoder.',
        ),
    ),
    num_clusters=4,
)
train_dataloader = dict(dataset=_base_.all_stories)
test_dataloader = dict(dataset=_base_.all_stories)
train_cfg = dict(max_iters=1000 * interval)
custom_hooks = [*_base_.common_hooks, dict(_base_.renewal, interval=interval)]
