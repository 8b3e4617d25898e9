# Fig. 3.3 of 000, DEC's part: nine values of lambda, the iterations between two renewals of the
# targets. The nine values of LDMGI and SEC are
# mmvisx.analysis.embedded_clustering.baselines.sweep.
#   python tools/run_series.py configs/_series_/embedded_clustering_start.py
#   python tools/run_series.py configs/_series_/embedded_clustering_lambda.py
# Expected: the best of the nine are 84.30 % of MNIST, 35.90 of STL-HOG, 72.17 of REUTERS-10k and
# 75.63 of REUTERS (Table 3.2); 40 is near the best of each. Obtained: not run.
_start = 'work_dirs/embedded_clustering_start/{}/seed_{{seed}}/iter_300000.pth'
# Recipe, and folder of the autoencoder
_data = {
    'MNIST': ('dec_mnist', 'mnist'),
    'STL-HOG': ('dec_stl10', 'stl_hog'),
    'REUTERS-10k': ('dec_reuters_10k', 'reuters_10k'),
    'REUTERS': ('dec_reuters', 'reuters'),
}
_lambdas = [10 * 2**i for i in range(9)]
# Most stop before, when fewer than 0.1 % of the points change cluster.
options = {'train_cfg.max_iters': 40 * 2560}
rows = {
    f'{data}, DEC {interval}': dict(
        config=f'configs/embedded_clustering/{recipe}.py',
        options={
            'custom_hooks.DECTargetHook.interval': interval,
            'model.encoder.init_cfg.checkpoint': _start.format(folder),
        },
    )
    for data, (recipe, folder) in _data.items()
    for interval in _lambdas
}
metrics = {'dec/acc': 'accuracy', 'dec/nmi': 'NMI'}
