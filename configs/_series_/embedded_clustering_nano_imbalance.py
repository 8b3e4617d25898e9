# embedded_clustering_imbalance.py, Table 3.4 of 000, in small: ten renewals each.
#   python tools/run_series.py configs/_series_/embedded_clustering_nano_start.py --only MNIST
#   python tools/run_series.py configs/_series_/embedded_clustering_nano_imbalance.py
_base_ = './embedded_clustering_imbalance.py'

options = {
    'model.encoder.init_cfg.checkpoint': (
        'work_dirs/embedded_clustering_nano_start/mnist/seed_{seed}/iter_6000.pth'
    ),
    'train_cfg.max_iters': 10 * 160,
}
rows = {name: dict(config='configs/embedded_clustering/dec_nano_mnist.py') for name in _base_.rows}
