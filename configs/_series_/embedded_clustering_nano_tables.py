# embedded_clustering_tables.py in small, on MNIST and on the 1,797 small digits.
#   python tools/run_series.py configs/_series_/embedded_clustering_nano_start.py
#   python tools/run_series.py configs/_series_/embedded_clustering_nano_tables.py
# Expected, after the recipe was tried with seed 9: DEC above AE + k-means with each of the seeds 0,
# 1 and 2, and above DEC w/o backprop on average. Obtained: on the page in docs/methods.
_base_ = './embedded_clustering_tables.py'

_start = 'work_dirs/embedded_clustering_nano_start/{}/seed_{{seed}}/iter_{}.pth'
_methods = ('AE + k-means', 'DEC w/o backprop', 'DEC')
_checkpoints = {'mnist': _start.format('mnist', 6000), 'digits': _start.format('digits', 2400)}
rows = {
    '_delete_': True,
    **{
        f'{data}, {method}': dict(
            config=f'configs/embedded_clustering/dec_nano_{folder}.py',
            options={
                **_base_.rows[f'MNIST, {method}']['options'],
                'model.encoder.init_cfg.checkpoint': _checkpoints[folder],
            },
        )
        for data, folder in (('MNIST', 'mnist'), ('digits', 'digits'))
        for method in _methods
    },
}
pairs = [
    (f'{data}, DEC', f'{data}, {method}') for data in ('MNIST', 'digits') for method in _methods[:2]
]
