# The small autoencoders that the other small series of embedded clustering start from.
#   python tools/run_series.py configs/_series_/embedded_clustering_nano_start.py
rows = {
    'MNIST': dict(config='configs/embedded_clustering/autoencoder_nano_mnist.py'),
    'digits': dict(config='configs/embedded_clustering/autoencoder_nano_digits.py'),
}
metrics = {'loss': 'loss of the last iterations'}
