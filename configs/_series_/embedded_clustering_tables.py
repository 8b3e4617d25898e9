# Tables 3.2 and 3.3 of 000: their rows with an autoencoder. The others, k-means, LDMGI and SEC of
# the points or of its codes, are mmvisx.analysis.embedded_clustering.baselines.
#   python tools/run_series.py configs/_series_/embedded_clustering_start.py
#   python tools/run_series.py configs/_series_/embedded_clustering_tables.py
# Expected, accuracy of MNIST, STL-HOG, REUTERS-10k and REUTERS: AE + k-means 81.84, 33.92, 66.59,
# 71.97; w/o backprop 79.82, 34.06, 70.05, 69.62; DEC 84.30, 35.90, 72.17, 75.63, the best of the
# nine of embedded_clustering_lambda.py. Obtained: not run.
_start = 'work_dirs/embedded_clustering_start/{}/seed_{{seed}}/iter_300000.pth'
# One step that changes nothing: the scores at the second renewal are those of k-means' centroids.
_k_means = {
    'train_cfg.max_iters': 1,
    'custom_hooks.DECTargetHook.interval': 1,
    'optim_wrapper.optimizer.lr': 0.0,
    'default_hooks.logger.interval': 1,
}
_methods = {
    'AE + k-means': _k_means,
    'DEC w/o backprop': {'model.freeze_encoder': True},
    'DEC': {},
}
# Recipe, and folder of the autoencoder
_data = {
    'MNIST': ('dec_mnist', 'mnist'),
    'STL-HOG': ('dec_stl10', 'stl_hog'),
    'REUTERS-10k': ('dec_reuters_10k', 'reuters_10k'),
    'REUTERS': ('dec_reuters', 'reuters'),
}
rows = {
    f'{data}, {method}': dict(
        config=f'configs/embedded_clustering/{recipe}.py',
        options={**changed, 'model.encoder.init_cfg.checkpoint': _start.format(folder)},
    )
    for data, (recipe, folder) in _data.items()
    for method, changed in _methods.items()
}
pairs = [
    (f'{data}, DEC', f'{data}, {method}')
    for data in _data
    for method in _methods
    if method != 'DEC'
]
metrics = {'dec/acc': 'accuracy', 'dec/nmi': 'NMI', 'dec/ari': 'ARI'}
