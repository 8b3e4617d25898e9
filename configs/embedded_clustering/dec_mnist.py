# DEC on all 70,000 digits of MNIST, from the autoencoder of autoencoder_mnist.py; lambda is 160 in
# the published settings (000, Table 3.2).
#   python tools/train.py configs/embedded_clustering/dec_mnist.py
# Hardware: one GPU. Expected: accuracy 84.30 %, the best of nine values of `interval` with one
# autoencoder (Table 3.2). Obtained: not run.
_base_ = ['../_base_/embedded_clustering_dec.py', '../_base_/datasets/mnist_vectors.py']

model = dict(
    encoder=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/autoencoder_mnist/iter_300000.pth',
            prefix='encoder.',
        )
    )
)
train_dataloader = dict(dataset=_base_.all_digits)
test_dataloader = dict(dataset=_base_.all_digits)
