# The rows of multi_task_transfer.py with three learning rates each, to choose from with a seed that
# the series does not use. The data and the pretraining are made as said there.
#   python tools/run_series.py configs/_series_/multi_task_transfer_rates.py --seeds 5
_base_ = './multi_task_transfer.py'

_rate = 'optim_wrapper.optimizer.lr'
rows = {
    f'{name}, rate {rate}': dict(config=row['config'], options={**row['options'], _rate: rate})
    for name, row in _base_.rows.items()
    for rate in (0.1, 0.03, 0.01)
}
rows['_delete_'] = True
pairs = []
