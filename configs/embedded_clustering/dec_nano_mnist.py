# DEC on all of MNIST from the small training of autoencoder_nano_mnist.py, 20 renewals at most.
#   python tools/train.py configs/embedded_clustering/dec_nano_mnist.py
# Hardware: two CPU cores, minutes. Not in the document; its page in docs/methods has the numbers.
_base_ = ['../_base_/embedded_clustering_dec.py', '../_base_/datasets/mnist_vectors.py']

model = dict(
    encoder=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/autoencoder_nano_mnist/iter_6000.pth',
            prefix='encoder.',
        )
    )
)
train_dataloader = dict(dataset=_base_.all_digits)
test_dataloader = dict(dataset=_base_.all_digits)
train_cfg = dict(max_iters=20 * _base_.interval)
