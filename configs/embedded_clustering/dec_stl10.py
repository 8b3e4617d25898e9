# DEC on STL-HOG, from the autoencoder of autoencoder_stl10.py; lambda is 40 in the
# published settings.
#   python tools/train.py configs/embedded_clustering/dec_stl10.py
# Hardware: one GPU. Expected: accuracy 35.90 %, the best of nine values of `interval` with one
# autoencoder (000, Table 3.2). Obtained: not run.
_base_ = ['../_base_/embedded_clustering_dec.py', '../_base_/datasets/stl10_vectors.py']

interval = 40
model = dict(
    encoder=dict(
        channels=(1428, 500, 500, 2000, 10),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/autoencoder_stl10/iter_300000.pth',
            prefix='encoder.',
        ),
    ),
)
train_dataloader = dict(dataset=_base_.labelled_pictures)
test_dataloader = dict(dataset=_base_.labelled_pictures)
train_cfg = dict(max_iters=200 * interval)
custom_hooks = [*_base_.common_hooks, dict(_base_.renewal, interval=interval)]
