# Fig. 3.6 of 000: numbers of clusters from 4 to 14 of MNIST, on six sevenths of the digits; the
# others are held out for G.
#   python tools/run_series.py configs/_series_/embedded_clustering_start.py --only MNIST
#   python tools/run_series.py configs/_series_/embedded_clustering_k.py
# Expected: NMI is highest with 9 clusters, and G falls sharply from 9 to 10. Obtained: not run.
options = {
    'model.encoder.init_cfg.checkpoint': (
        'work_dirs/embedded_clustering_start/mnist/seed_{seed}/iter_300000.pth'
    ),
    'train_dataloader.dataset.type': 'mmvisx.VectorSplit',
    'train_dataloader.dataset.part': 'train',
    'test_dataloader.dataset.type': 'mmvisx.VectorSplit',
    'test_dataloader.dataset.part': 'held_out',
}
rows = {
    f'{k} clusters': dict(
        config='configs/embedded_clustering/dec_mnist.py', options={'model.num_clusters': k}
    )
    for k in range(4, 15)
}
metrics = {'dec/nmi': 'NMI', 'dec/acc': 'accuracy'}
