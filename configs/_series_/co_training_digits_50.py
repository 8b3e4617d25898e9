# co_training_digits.py with 50 labels, each four times an epoch: 22 steps with 9 or 10 of them.
#   python tools/datasets/split_labels.py data/mnist_png/train --per-class 5 --seed 0 \
#       --out data/mnist_labels/50_0.txt    (and with the seeds 1 and 2)
#   python tools/run_series.py configs/_series_/co_training_digits_50.py
_base_ = './co_training_digits.py'

_labels = {'train_dataloader.dataset.labelled': 'data/mnist_labels/50_{seed}.txt'}
options = {**_labels, 'train_dataloader.dataset.times': 4}
rows = {
    '_delete_': True,
    'supervised': dict(
        config=_base_.rows['supervised']['config'],
        options={'train_dataloader.dataset.times': 44},
    ),
    'L_cot': _base_.rows['L_cot'],
    'L_dif': _base_.rows['L_dif'],
    'both': _base_.rows['both'],
}
pairs = [('both', 'L_cot'), ('both', 'L_dif')]
