# The autoencoders that the other series of embedded clustering start from, one for each data set
# and seed: 300,000 iterations.
#   python tools/run_series.py configs/_series_/embedded_clustering_start.py
# Expected: no number in the document. Obtained: not run.
_config = 'configs/embedded_clustering/autoencoder_{}.py'
rows = {
    'MNIST': dict(config=_config.format('mnist')),
    'STL-HOG': dict(config=_config.format('stl10')),
    'REUTERS-10k': dict(config=_config.format('reuters_10k')),
    'REUTERS': dict(config=_config.format('reuters')),
}
metrics = {'loss': 'loss of the last iterations'}
