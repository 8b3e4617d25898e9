# Table 3.4 of 000: classes of MNIST of unequal sizes, class 0 kept with probability r_min, class 9
# whole. The autoencoder is that of all digits; k-means of the pixels is
# mmvisx.analysis.embedded_clustering.baselines.
#   python tools/run_series.py configs/_series_/embedded_clustering_start.py --only MNIST
#   python tools/run_series.py configs/_series_/embedded_clustering_imbalance.py
# Expected, for r_min 0.1, 0.3, 0.5, 0.7, 0.9: AE + k-means 66.82, 74.91, 77.93, 80.04, 81.31; DEC
# 70.10, 80.92, 82.68, 84.69, 85.41 %. Obtained: not run.
_rates = [0.1, 0.3, 0.5, 0.7, 0.9]
_methods = {
    # One step that changes nothing: the scores at the second renewal are those of k-means.
    'AE + k-means': {
        'train_cfg.max_iters': 1,
        'custom_hooks.DECTargetHook.interval': 1,
        'optim_wrapper.optimizer.lr': 0.0,
        'default_hooks.logger.interval': 1,
    },
    'DEC': {},
}
options = {
    'model.encoder.init_cfg.checkpoint': (
        'work_dirs/embedded_clustering_start/mnist/seed_{seed}/iter_300000.pth'
    ),
    'train_dataloader.dataset.type': 'mmvisx.ImbalancedVectors',
    'test_dataloader.dataset.type': 'mmvisx.ImbalancedVectors',
}
rows = {
    f'r_min {rate}, {method}': dict(
        config='configs/embedded_clustering/dec_mnist.py',
        options={
            **changed,
            'train_dataloader.dataset.r_min': rate,
            'test_dataloader.dataset.r_min': rate,
        },
    )
    for rate in _rates
    for method, changed in _methods.items()
}
pairs = [(f'r_min {rate}, DEC', f'r_min {rate}, AE + k-means') for rate in _rates]
metrics = {'dec/acc': 'accuracy', 'dec/nmi': 'NMI'}
