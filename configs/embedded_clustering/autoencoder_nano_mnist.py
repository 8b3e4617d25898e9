# The autoencoder of autoencoder_mnist.py with Adam and 2 % of its iterations: with the printed SGD
# the code layer stays on the plateau it starts on for that long.
#   python tools/train.py configs/embedded_clustering/autoencoder_nano_mnist.py
# Hardware: two CPU cores, minutes. Not in the document; its page in docs/methods has the numbers.
_base_ = ['../_base_/embedded_clustering_autoencoder.py', '../_base_/datasets/mnist_vectors.py']

train_dataloader = dict(dataset=_base_.train_digits)
train_cfg = dict(stages=[1000, 1000, 1000, 1000, 2000])
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='Adam', lr=1e-3), paramwise_cfg=dict(_delete_=True)
)
param_scheduler = []
default_hooks = dict(checkpoint=dict(interval=2000), logger=dict(interval=250))
