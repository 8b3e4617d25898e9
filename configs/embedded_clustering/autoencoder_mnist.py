# The stacked autoencoder that DEC on MNIST starts from (000, 3.3.2, 3.4.3).
#   python tools/train.py configs/embedded_clustering/autoencoder_mnist.py
# Hardware: one GPU. Expected: no number in the document; AE + k-means clusters 81.84 % of MNIST
# rightly (Table 3.3). Obtained: not run.
_base_ = ['../_base_/embedded_clustering_autoencoder.py', '../_base_/datasets/mnist_vectors.py']

train_dataloader = dict(dataset=_base_.train_digits)
