import numpy as np
import pytest
from scipy import sparse

from mmvisx.datasets import ImbalancedVectors, VectorDataset, VectorSplit
from mmvisx.datasets.features.embedded_clustering.subsets import retained_rows, split_rows
from mmvisx.utils.errors import UserError

POINTS = np.arange(66.0).reshape(11, 6)
LABELS = np.array([2, 0, 1, 1, 0, 2, 2, 0, 1, 1, 0])


@pytest.mark.parametrize('r_min', [0.1, 0.3, 0.5, 0.7, 0.9])
def test_retention_rates_of_the_table(r_min):
    labels = np.tile(np.arange(10), 10_000)
    rows = retained_rows(labels, r_min, seed=1)
    assert (np.diff(rows) > 0).all()
    for c, kept in enumerate(np.bincount(labels[rows])):
        rate = r_min + (1 - r_min) * c / 9
        assert abs(kept / 10_000 - rate) <= 4 * np.sqrt(rate * (1 - rate) / 10_000)
    assert (np.bincount(labels[rows])[9]) == 10_000
    assert (rows == retained_rows(labels, r_min, seed=1)).all()
    assert len(rows) != len(retained_rows(labels, r_min, seed=2))


@pytest.mark.parametrize('r_min', [0, -0.1, 1.1])
def test_rates_are_probabilities(r_min):
    with pytest.raises(UserError, match=f'r_min={r_min} is a probability above 0'):
        retained_rows(LABELS, r_min)


def test_one_class_cannot_be_unequal():
    with pytest.raises(UserError, match='two or more'):
        retained_rows(np.zeros(5, int), 0.5)


@pytest.mark.parametrize(('count', 'share', 'held'), [(70, 1 / 7, 10), (2, 0.01, 1), (3, 0.99, 2)])
def test_split(count, share, held):
    train, out = split_rows(count, share, seed=3)
    assert len(out) == held
    assert sorted([*train, *out]) == list(range(count))
    with pytest.raises(UserError, match='both parts need some'):
        split_rows(1)
    with pytest.raises(UserError, match='share=1 of 70'):
        split_rows(70, 1)


SOURCES = {
    'array': lambda folder: POINTS,
    'csr': lambda folder: sparse.csr_array(POINTS),
    'file': lambda folder: save(folder, POINTS),
}


def save(folder, array):
    np.save(folder / 'points.npy', array)
    return str(folder / 'points.npy')


@pytest.mark.parametrize('kind', SOURCES)
def test_chosen_rows(kind, tmp_path):
    rows = [9, 2, 3, 4]
    np.save(tmp_path / 'rows.npy', rows)
    for given in (rows, str(tmp_path / 'rows.npy')):
        dataset = VectorDataset(SOURCES[kind](tmp_path), LABELS, scale=2, rows=given)
        batch = dataset.__getitems__([0, 1, 2, 3])
        assert batch['inputs'].tolist() == (POINTS[rows] * 2).tolist()
        assert batch['labels'].tolist() == LABELS[rows].tolist()
        assert batch['indices'].tolist() == [0, 1, 2, 3]
        assert dataset.metainfo['classes'] == ('0', '1', '2')


@pytest.mark.parametrize('kind', [np.asarray, sparse.csr_array])
def test_messages_name_the_rows_of_the_file(kind):
    points = POINTS.copy()
    points[4, 2] = np.nan
    VectorDataset(kind(points), rows=[2, 3, 5])
    with pytest.raises(UserError, match='value 2 of row 4'):
        VectorDataset(kind(points), rows=[2, 3, 4])


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([3, 11], '11 among them'),
        ([-1], '-1 among them'),
        ([], 'do not choose'),
        ([0.5], 'float64 do not'),
        ('none.npy', 'rows none.npy cannot be read'),
    ],
)
def test_rows_that_are_not_there(rows, message):
    with pytest.raises(UserError, match=message):
        VectorDataset(POINTS, rows=rows)


def test_registered_parts(tmp_path):
    data = save(tmp_path, POINTS)
    parts = [VectorSplit(data, part, 0.3, seed=5, labels=LABELS) for part in ('train', 'held_out')]
    assert [len(part) for part in parts] == [8, 3]
    values = np.concatenate([part.read(np.arange(len(part))) for part in parts])
    assert sorted(values.tolist()) == POINTS.tolist()
    with pytest.raises(UserError, match="part='test' of VectorSplit"):
        VectorSplit(data, 'test')
    sample = ImbalancedVectors(data, LABELS, r_min=0.2, seed=4)
    rows = retained_rows(LABELS, 0.2, seed=4)
    assert sample.labels.tolist() == LABELS[rows].tolist()
    assert sample.read(np.arange(len(sample))).tolist() == POINTS[rows].tolist()
