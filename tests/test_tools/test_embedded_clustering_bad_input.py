"""What a user may get wrong about clusters, through tools/train.py and tools/test.py."""

import gzip
import json
import sys

import numpy as np
import pytest
import torch

from mmvisx.cli import test as test_cli
from mmvisx.models.clusterers import StackedAutoencoder
from mmvisx.utils import UserError
from tests.helpers.embedded_clustering import Trainings
from tests.helpers.loggers import forget_loggers
from tests.test_datasets.test_features.test_embedded_clustering.test_vectors import idx

POINTS = np.random.default_rng(0).normal(size=(50, 6)).astype('f4')


class Mistakes(Trainings):
    """Trainings of points that are written here."""

    def save(self, points, name='mine.npy'):
        """Write points; return a line of a config that trains on them."""
        np.save(self.folder / name, points)
        return self.line(name)

    def line(self, name):
        """A line of a config: points of a file."""
        return f'\ntrain_dataloader["dataset"]["data"] = {str(self.folder / name)!r}\n'

    def test(self, config, checkpoint):
        """Run tools/test.py; return the metrics."""
        out = self.folder / 'metrics.json'
        argv = ['test.py', config, checkpoint, '--out', out, '--work-dir', self.folder / 'tested']
        self.monkeypatch.setattr(sys, 'argv', [str(word) for word in argv])
        forget_loggers()
        test_cli.main()
        return json.loads(out.read_text())

    def refused(self, kind, extra, match):
        """Train, which must end with a message of one line."""
        with pytest.raises(UserError, match=match) as caught:
            self.run(self.write('refused', kind, extra))
        assert '\n' not in str(caught.value)
        # And a checkpoint of what is wrong is not there.
        assert not list((self.folder / 'refused').glob('*.pth'))


@pytest.fixture
def mistakes(repo, tmp_path, monkeypatch):
    return Mistakes(repo, tmp_path, monkeypatch)


def log_of(folder):
    return next(folder.glob('*/*.log')).read_text()


@pytest.mark.parametrize('kind', ['autoencoder', 'dec'])
@pytest.mark.parametrize('value', [np.nan, -np.inf])
def test_a_value_that_is_no_number_names_its_row(mistakes, kind, value):
    points = POINTS.copy()
    points[37, 2] = value
    message = rf'mine\.npy: value 2 of row 37 is {value}: take the row out'
    with pytest.raises(UserError, match=message):
        mistakes.run(mistakes.write('refused', kind, mistakes.save(points)))


@pytest.mark.parametrize('kind', ['autoencoder', 'dec'])
def test_constant_features_and_empty_rows_are_counted(mistakes, kind):
    """The second is what texts without any of the stems are."""
    points = POINTS.copy()
    points[:, 4] = 0
    points[[3, 8, 41]] = 0
    log = log_of(mistakes.run(mistakes.write('warned', kind, mistakes.save(points))))
    warned = [line for line in log.splitlines() if 'WARNING' in line and 'mine.npy' in line]
    assert len(warned) == 2
    assert '1 of 6 values are the same in all 50 points (4)' in warned[0]
    assert '3 of 50 points are all zeros (rows 3, 8, 41)' in warned[1]


def test_labels_of_another_length(mistakes):
    np.save(mistakes.labels, np.zeros(49, int))
    mistakes.refused('dec', '', r'labels\.npy: 49 labels for 50 points')


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda content: content[:-7], 'cut short'),
        (lambda content: content[:6], 'cut short within its header'),
        (lambda content: b'\x01' + content[1:], 'is no idx file: it begins with 01 00 08 02'),
        (lambda content: content[:2] + b'\x07' + content[3:], 'it begins with 00 00 07 02'),
    ],
)
def test_idx_files(mistakes, packed, change, message):
    content = change(idx((np.arange(300) % 256).astype(np.uint8).reshape(50, 6)))
    name = 'points-idx2-ubyte'
    if packed:
        content, name = gzip.compress(content), f'{name}.gz'
    (mistakes.folder / name).write_bytes(content)
    mistakes.refused('autoencoder', mistakes.line(name), rf'{name}.*{message}')


@pytest.mark.parametrize('count', [1, 0])
def test_fewer_than_two_clusters(mistakes, count):
    extra = f'\nmodel["num_clusters"] = {count}\n'
    mistakes.refused('dec', extra, f'num_clusters={count} of DEC: there must be 2 or more')


def test_more_clusters_than_distinct_points(mistakes):
    extra = mistakes.save(np.repeat(POINTS[:2], 25, axis=0))
    mistakes.refused('dec', extra, 'num_clusters=3, but there are 2 distinct points')


def pretrained(path):
    cfg = f'type="Pretrained", checkpoint={str(path)!r}, prefix="encoder."'
    return f'\nmodel["encoder"]["init_cfg"] = dict({cfg})\n'


def test_a_checkpoint_of_other_widths(mistakes):
    """As the start of a clustering, to go on with, and to be tested."""
    other = StackedAutoencoder((6, 7, 5, 2)).state_dict()
    path = mistakes.folder / 'other.pth'
    torch.save(dict(state_dict=other), path)
    mistakes.refused('dec', pretrained(path), r'other\.pth')
    good = mistakes.run(mistakes.write('good', 'dec', '\ntrain_cfg["max_iters"] = 2\n'))
    wide = mistakes.write('wide', 'dec', '\nmodel["encoder"]["channels"] = (6, 7, 5, 2)\n')
    said = r'iter_2\.pth.*encoder\.layers\.0\.'
    with pytest.raises(UserError, match=said):
        mistakes.run(wide, '--resume', str(good / 'iter_2.pth'))
    with pytest.raises(UserError, match=said):
        mistakes.test(wide, good / 'iter_2.pth')


def test_a_diverging_autoencoder_names_its_learning_rate(mistakes):
    config = mistakes.write(
        'diverging', 'autoencoder', '\noptim_wrapper = dict(optimizer=dict(lr=4e5))\n'
    )
    message = r'Lower optim_wrapper\.optimizer\.lr \(now 4e\+0[45], 8e\+0[45]\)'
    with pytest.raises(UserError, match=message):
        mistakes.run(config)


def test_without_labels_accuracy_is_absent(mistakes, capsys):
    without = (
        '\nfor each in (train_dataloader, test_dataloader):\n    each["dataset"].pop("labels")\n'
    )
    config = mistakes.write('unlabelled', 'dec', without + 'del each\n')
    folder = mistakes.run(config)
    kept = torch.load(folder / 'iter_12.pth', weights_only=False)['mmvisx_dec_targets']['history']
    assert len(kept) == 4
    metrics = mistakes.test(config, folder / 'iter_12.pth')
    assert set(metrics) == {'clusters/smallest', 'clusters/largest'}
    scalars = next(folder.rglob('scalars.json')).read_text().splitlines()
    said = [json.loads(line) for line in scalars]
    names = {name for line in said for name in line} | {name for at in kept for name in at}
    assert 'dec/changed' in names
    assert not [name for name in names if name.endswith(('acc', 'nmi', 'ari'))]
    assert ' acc ' not in log_of(folder) + capsys.readouterr().out
    labelled = mistakes.test(mistakes.write('labelled', 'dec'), folder / 'iter_12.pth')
    assert 0 < labelled['clusters/acc'] <= 1
