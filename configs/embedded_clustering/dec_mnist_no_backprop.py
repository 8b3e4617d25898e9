# "DEC w/o backprop": the encoder stays as the autoencoder left it, the centroids are learnt
# (000, Table 3.2).
#   python tools/train.py configs/embedded_clustering/dec_mnist_no_backprop.py
# Hardware: one GPU. Expected: accuracy 79.82 % (Table 3.2). Obtained: not run.
_base_ = ['../_base_/embedded_clustering_dec.py', '../_base_/datasets/mnist_vectors.py']

model = dict(
    encoder=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/autoencoder_mnist/iter_300000.pth',
            prefix='encoder.',
        )
    ),
    freeze_encoder=True,
)
train_dataloader = dict(dataset=_base_.all_digits)
test_dataloader = dict(dataset=_base_.all_digits)
