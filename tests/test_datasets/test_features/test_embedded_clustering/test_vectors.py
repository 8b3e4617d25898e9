import gzip
import os
import pickle
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from scipy import sparse
from torch.utils.data import default_collate

from mmvisx.datasets import VectorDataset, whole_batch
from mmvisx.engine.hooks.random_state import RandomStateHook
from mmvisx.utils.errors import UserError

RNG = np.random.default_rng(0)
POINTS = RNG.integers(0, 255, (11, 2, 3)).astype(np.uint8)
FLAT = POINTS.reshape(11, 6)
LABELS = np.array([2, 0, 1, 1, 0, 2, 2, 0, 1, 1, 0])


def idx(array, code=0x08, shape=None):
    """The bytes of an idx file, by the description of the format."""
    shape = array.shape if shape is None else shape
    header = struct.pack('>BBBB', 0, 0, code, len(shape)) + struct.pack(f'>{len(shape)}I', *shape)
    return header + array.tobytes()


def write(folder, name, content):
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith('.gz') else content)
    return str(path)


def saved(folder, name, save, *args, **kwargs):
    save(folder / name, *args, **kwargs)
    return str(folder / name)


SOURCES = {
    'array': lambda f: FLAT,
    'images': lambda f: POINTS,
    'float64': lambda f: FLAT.astype(np.float64),
    'fortran array': lambda f: np.asfortranarray(FLAT),
    'npy': lambda f: saved(f, 'a.npy', np.save, POINTS),
    'npy of Fortran': lambda f: saved(f, 'a.npy', np.save, np.asfortranarray(FLAT)),
    'npz': lambda f: saved(f, 'a.npz', np.savez, FLAT),
    'csr': lambda f: sparse.csr_array(FLAT),
    'coo': lambda f: sparse.coo_matrix(FLAT),
    'npz of csr': lambda f: saved(f, 'a.npz', sparse.save_npz, sparse.csr_matrix(FLAT)),
    'idx': lambda f: write(f, 'a-idx3-ubyte', idx(POINTS)),
    'idx.gz': lambda f: write(f, 'a-idx3-ubyte.gz', idx(POINTS)),
    'idx of floats': lambda f: write(f, 'a.idx', idx(POINTS.astype('>f4'), 0x0D)),
    'two files': lambda f: [
        saved(f, 'a.npy', np.save, POINTS[:4]),
        write(f, 'b.idx', idx(POINTS[4:])),
    ],
    'two sparse files': lambda f: [
        saved(f, 'a.npz', sparse.save_npz, sparse.csr_array(FLAT[:4])),
        saved(f, 'b.npz', sparse.save_npz, sparse.csr_array(FLAT[4:])),
    ],
}


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    return SOURCES[request.param](tmp_path)


@pytest.mark.parametrize(
    'rows', [[0], [3, 4, 5, 6], [9, 10, 0, 1, 2], [10, 9], [5, 5, 1], list(range(11))]
)
def test_every_source_gives_the_rows(source, rows):
    dataset = VectorDataset(source, scale=0.5, offset=10)
    assert (len(dataset), dataset.channels) == (11, 6)
    batch = dataset.__getitems__(rows)
    assert batch.keys() == {'inputs', 'indices'}
    assert batch['inputs'].dtype == torch.float32
    assert batch['inputs'].tolist() == ((FLAT[rows].astype(float) - 10) / 2).tolist()
    assert batch['indices'].tolist() == rows


def test_a_batch_is_its_points_one_by_one(source):
    dataset = VectorDataset(source, LABELS, scale=0.02)
    rows = [8, 9, 10, 0, 5]
    batch, single = dataset.__getitems__(rows), default_collate([dataset[i] for i in rows])
    assert batch.keys() == single.keys() == {'inputs', 'indices', 'labels'}
    for key, value in batch.items():
        assert torch.equal(value, single[key])
        assert value.dtype == single[key].dtype


def test_what_is_read_is_a_copy(source):
    dataset = VectorDataset(source)
    dataset.__getitems__([2, 3])['inputs'].zero_()
    assert dataset.read(np.array([2, 3])).tolist() == FLAT[2:4].tolist()


def loader(workers=0, **dataset):
    return Runner.build_dataloader(
        dict(
            batch_size=4,
            num_workers=workers,
            dataset=dict(type='mmvisx.VectorDataset', **dataset),
            sampler=dict(type='InfiniteSampler', shuffle=False),
            collate_fn=dict(type='mmvisx.datasets.whole_batch'),
        ),
        seed=0,
    )


@pytest.mark.parametrize('workers', [0, 1])
def test_loader_goes_round_in_order(tmp_path, workers):
    data = saved(tmp_path, 'a.npy', np.save, FLAT)
    batches = iter(loader(workers, data=data, labels=LABELS))
    seen = [next(batches) for _ in range(6)]
    order = np.arange(24) % 11
    assert torch.cat([batch['indices'] for batch in seen]).tolist() == order.tolist()
    assert torch.cat([batch['inputs'] for batch in seen]).tolist() == FLAT[order].tolist()
    assert torch.cat([batch['labels'] for batch in seen]).tolist() == LABELS[order].tolist()


def test_collate_returns_the_batch():
    batch = dict(inputs=torch.zeros(2, 3))
    assert whole_batch(batch) is batch


LABEL_SOURCES = {
    'array': lambda f: LABELS,
    'npy': lambda f: saved(f, 'l.npy', np.save, LABELS),
    'text': lambda f: write(f, 'l.txt', '\n'.join(map(str, LABELS)).encode()),
    'idx': lambda f: write(f, 'l-idx1-ubyte.gz', idx(LABELS.astype(np.uint8))),
    'two files': lambda f: [
        saved(f, 'a.npy', np.save, LABELS[:4]),
        write(f, 'b.txt', ''.join(f'{label}\n' for label in LABELS[4:]).encode()),
    ],
}


@pytest.mark.parametrize('name', LABEL_SOURCES)
def test_labels(name, tmp_path):
    dataset = VectorDataset(FLAT, LABEL_SOURCES[name](tmp_path))
    assert dataset.labels.tolist() == LABELS.tolist()
    assert dataset.metainfo == dict(classes=('0', '1', '2'))


def test_names_as_labels(tmp_path):
    names = np.array(['trade', 'earn', 'money fx'])[LABELS]
    path = write(tmp_path, 'l.txt', '\n'.join(names).encode())
    for labels in (names, path):
        dataset = VectorDataset(FLAT, labels)
        classes = dataset.metainfo['classes']
        assert classes == ('earn', 'money fx', 'trade')
        assert [classes[k] for k in dataset.labels] == names.tolist()
    named = VectorDataset(FLAT, LABELS, classes=('a', 'b', 'c', 'd'))
    assert named.metainfo == dict(classes=('a', 'b', 'c', 'd'))


def test_without_labels_there_are_none():
    dataset = VectorDataset(FLAT)
    assert dataset.labels is None
    assert dataset.metainfo == {}
    assert dataset[0].keys() == {'inputs', 'indices'}


def test_sparse_rows_are_never_dense_as_a_whole():
    matrix = sparse.random_array((20_000, 30_000), density=1e-5, rng=np.random.default_rng(0))
    dataset = VectorDataset(matrix)  # dense: 2.4 GB
    assert isinstance(dataset.__getitems__(range(8))['inputs'], torch.Tensor)
    assert dataset._rows.matrix.nnz == matrix.nnz


def test_a_file_is_not_read_as_a_whole(tmp_path, monkeypatch):
    dataset = VectorDataset(saved(tmp_path, 'a.npy', np.save, np.zeros((1000, 8))))
    calls, preadv = [], os.preadv
    monkeypatch.setattr(os, 'preadv', lambda *args: calls.append(args[2]) or preadv(*args))
    dataset.read(np.arange(300, 556))
    assert calls == [128 + 300 * 64]  # one piece; the header of .npy has 128 bytes


BAD = {
    'labels of another length': (lambda f: dict(data=FLAT, labels=LABELS[:5]), '5 labels for 11'),
    'label below 0': (lambda f: dict(data=FLAT, labels=LABELS - 1), '-1 of row 1'),
    'label between': (lambda f: dict(data=FLAT, labels=LABELS + 0.5), '2.5 of row 0'),
    'too few names': (
        lambda f: dict(data=FLAT, labels=LABELS, classes=['a']),
        '1 names in classes',
    ),
    'no file': (lambda f: dict(data=str(f / 'none.npy')), r'none\.npy'),
    'no idx file': (lambda f: dict(data=str(f / 'none.idx')), 'No such file'),
    'another kind': (lambda f: dict(data=str(f / 'points.csv')), 'of no kind that holds points'),
    'wrong magic': (
        lambda f: dict(data=write(f, 'a.idx', b'\x89PNG' + idx(POINTS))),
        'begins with 89 50 4e 47',
    ),
    'empty idx': (lambda f: dict(data=write(f, 'a.idx', b'')), 'begins with nothing'),
    'idx cut short': (lambda f: dict(data=write(f, 'a.idx', idx(POINTS)[:-1])), 'cut short'),
    'packed idx of fewer': (
        lambda f: dict(data=write(f, 'a.idx.gz', idx(POINTS)[:-1])),
        'cut short',
    ),
    'idx longer': (lambda f: dict(data=write(f, 'a.idx', idx(POINTS) + b'1')), 'it has 83'),
    'header cut short': (lambda f: dict(data=write(f, 'a.idx', idx(POINTS)[:9])), 'header'),
    'idx of labels': (
        lambda f: dict(data=write(f, 'a.idx', idx(LABELS.astype('u1')))),
        'are these labels',
    ),
    'packed idx cut short': (
        lambda f: dict(data=str(_cut(write(f, 'a.idx.gz', idx(POINTS))))),
        'cut short or damaged',
    ),
    'npy cut short': (lambda f: dict(data=_cut(saved(f, 'a.npy', np.save, FLAT))), 'a.npy'),
    'npz of two': (
        lambda f: dict(data=saved(f, 'a.npz', np.savez, x=FLAT, y=LABELS)),
        'holds x, y',
    ),
    'one dimension': (lambda f: dict(data=LABELS), r'shape \(11,\)'),
    'no numbers': (lambda f: dict(data=np.array([['a', 'b']])), 'points are numbers'),
    'no point': (lambda f: dict(data=FLAT[:0]), r'shape \(0, 6\)'),
    'files of other widths': (
        lambda f: dict(
            data=[saved(f, 'a.npy', np.save, FLAT), saved(f, 'b.npy', np.save, FLAT[:, 1:])]
        ),
        'has 5 values',
    ),
}


def _cut(path):
    os.truncate(path, os.path.getsize(path) - 10)
    return path


@pytest.mark.parametrize('name', BAD)
def test_bad_input(name, tmp_path):
    config, message = BAD[name]
    with pytest.raises(UserError, match=message):
        VectorDataset(**config(tmp_path))


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('make', [np.asarray, sparse.csr_array])
def test_values_that_are_no_numbers_name_their_row(make, value):
    points = FLAT.astype(float)
    points[7, 4] = value
    with pytest.raises(UserError, match=f'value 4 of row 7 is {value}'):
        VectorDataset(make(points))


def test_values_of_files_are_checked_when_they_are_read(tmp_path):
    points = FLAT.astype(float)
    points[7, 4] = np.nan
    dataset = VectorDataset(saved(tmp_path, 'a.npy', np.save, points))
    dataset.__getitems__([4, 5, 6])
    with pytest.raises(UserError, match=r'a\.npy: value 4 of row 7 is nan'):
        dataset.__getitems__([5, 6, 7])


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmvisx.datasets.features.embedded_clustering.checks.print_log',
        lambda text, *args: lines.append(text),
    )
    return lines


@pytest.mark.parametrize('kind', ['array', 'csr', 'file'])
def test_constant_values_and_empty_rows_are_warned_of_once(kind, tmp_path, said):
    points = FLAT.astype(np.float32)
    points[:, 1] = 7
    points[:, 5] = 0
    points[[3, 8]] = 0
    points[:, 1][points.any(axis=1)] = 7
    points = np.delete(points, 1, axis=1) if kind == 'csr' else points
    empty = '2 of 11 points are all zeros (rows 3, 8)'
    make = dict(
        array=lambda: points,
        csr=lambda: sparse.csr_array(points),
        file=lambda: saved(tmp_path, 'a.npy', np.save, points),
    )
    dataset = VectorDataset(make[kind]())
    for _ in range(2):
        dataset.__getitems__(range(6))
        dataset.__getitems__([4, 5])
    if kind == 'file':
        assert said == []
    dataset.__getitems__(range(6, 11))
    dataset.__getitems__(range(11))
    size = 5 if kind == 'csr' else 6
    assert len(said) == 2
    assert f'1 of {size} values are the same in all 11 points ({size - 1})' in said[0]
    assert empty in said[1]


def test_good_points_are_not_warned_of(said):
    VectorDataset(FLAT + 1)
    VectorDataset(sparse.csr_array(FLAT + 1))
    assert said == []


def test_a_copy_reads_the_same_file(tmp_path):
    dataset = VectorDataset(saved(tmp_path, 'a.npy', np.save, np.ones((500, 400))))
    assert len(pickle.dumps(dataset)) < 20_000
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[3]['inputs'], torch.ones(400))


def test_exact_resume_leaves_whole_batches_whole():
    """The hook that seeds every sample has nothing to seed here."""
    train = loader(data=FLAT)
    logger = MMLogger.get_instance('whole_batches')
    runner = SimpleNamespace(train_dataloader=train, seed=3, iter=0, epoch=0, logger=logger)
    RandomStateHook().before_train(runner)
    assert next(iter(train))['inputs'].tolist() == FLAT[:4].tolist()
