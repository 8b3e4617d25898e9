# embedded_clustering_lambda.py in small: MNIST, 2,560 iterations of each lambda.
#   python tools/run_series.py configs/_series_/embedded_clustering_nano_start.py --only MNIST
#   python tools/run_series.py configs/_series_/embedded_clustering_nano_lambda.py
_base_ = './embedded_clustering_lambda.py'

options = {
    'train_cfg.max_iters': 2560,
    'model.encoder.init_cfg.checkpoint': (
        'work_dirs/embedded_clustering_nano_start/mnist/seed_{seed}/iter_6000.pth'
    ),
}
rows = {
    '_delete_': True,
    **{
        f'DEC {interval}': dict(
            config='configs/embedded_clustering/dec_nano_mnist.py',
            options={'custom_hooks.DECTargetHook.interval': interval},
        )
        for interval in (10 * 2**i for i in range(9))
    },
}
