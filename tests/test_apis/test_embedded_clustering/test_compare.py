"""One table of clusterers: what is run, what is kept, and what its rows are made of."""

import json
import statistics

import numpy as np
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from mmvisx.apis.embedded_clustering import compare
from mmvisx.evaluation.clustering import cluster_scores
from mmvisx.utils import UserError

DEEP: dict = dict(
    channels=(8, 2),
    pair_iters=30,
    whole_iters=100,
    lr=0.01,
    max_iters=40,
    interval=10,
    batch_size=32,
)


def clouds(n=90):
    """Points (n, 6) of three clouds, and which each is of."""
    x, labels = make_blobs(n, 6, centers=3, cluster_std=2.0, random_state=0)
    return x.astype('f4'), labels


def run(out, methods, seeds=(0, 1), points=None, said=None, deep=DEEP):
    x, labels = clouds() if points is None else points
    say = [].append if said is None else said.append
    return compare.compare_clusterers(x, labels, 3, out, methods, seeds, deep, say)


@pytest.fixture(scope='module')
def table(tmp_path_factory):
    out = tmp_path_factory.mktemp('compared') / 'table.json'
    return out, run(out, ['k-means', 'SEC', 'DEC'])


def test_runs_are_those_of_the_estimators(table):
    out, runs = table
    x, labels = clouds()
    counts = {name: sum(r['method'] == name for r in runs) for name in compare.METHODS}
    assert counts == {'k-means': 2, 'spectral': 0, 'LDMGI': 0, 'SEC': 18, 'DEC': 2}
    for entry in (r for r in runs if r['method'] == 'k-means'):
        found = KMeans(3, n_init=20, random_state=entry['seed']).fit(x)
        assert entry['metrics'] == cluster_scores(labels, found.labels_)
    assert json.loads(out.read_text())['runs'] == runs


def test_the_start_is_k_means_of_the_codes(table):
    from mmvisx.apis import DeepClustering

    x, labels = clouds()
    # Without a renewal and with the least of steps: the autoencoder's codes
    still = {**DEEP, 'max_iters': 1, 'cluster_lr': 1e-12}
    for entry in (r for r in table[1] if r['method'] == 'DEC'):
        codes = DeepClustering(3, **still, random_state=entry['seed']).fit(x).transform(x)
        found = KMeans(3, n_init=20, random_state=0).fit(codes.astype(float))
        assert entry['start'] == pytest.approx(cluster_scores(labels, found.labels_), abs=1e-9)
        assert entry['iterations'] <= DEEP['max_iters']


def test_what_is_there_is_not_run_again(table, monkeypatch):
    out, runs = table
    before, said = out.read_text(), []
    monkeypatch.setattr(compare, 'cluster_scores', None)
    assert run(out, ['SEC', 'DEC', 'k-means'], said=said) == runs
    assert said == []
    assert out.read_text() == before


def test_cut_short_it_goes_on(tmp_path, monkeypatch):
    out, said = tmp_path / 'table.json', []
    whole = run(tmp_path / 'whole.json', ['k-means', 'spectral'])

    def cut(name, k, seed):
        if (name, seed) == ('k-means', 1):
            raise KeyboardInterrupt
        return made(name, k, seed)

    made = compare.baseline
    monkeypatch.setattr(compare, 'baseline', cut)
    run(out, ['k-means', 'spectral'], seeds=[0])
    with pytest.raises(KeyboardInterrupt):
        run(out, ['k-means', 'spectral'])
    monkeypatch.setattr(compare, 'baseline', made)
    runs = run(out, ['k-means', 'spectral'], said=said)
    assert [line.split(':')[0] for line in said] == [
        '[1/2] k-means, seed 1',
        '[2/2] spectral, seed 1',
    ]
    plain = [{k: v for k, v in r.items() if k != 'seconds'} for r in runs]
    assert plain == [{k: v for k, v in r.items() if k != 'seconds'} for r in whole]


def entry(method, seed, acc, value=None, **more):
    metrics = dict(acc=acc, nmi=acc / 2, ari=0.0)
    return dict(method=method, value=value, seed=seed, seconds=60.0, metrics=metrics, **more)


def test_rows_of_the_table():
    start = dict(acc=0.25, nmi=0.1, ari=0.0)
    runs = [
        entry('DEC', 0, 0.5, start=start), entry('DEC', 1, 0.75, start=start),
        entry('LDMGI', 0, 0.1, 1.0), entry('LDMGI', 1, 0.3, 1.0),
        # The best mean, not the best run
        entry('LDMGI', 0, 0.4, 1e-8), entry('LDMGI', 1, 0.4, 1e-8),
        entry('LDMGI', 0, 0.6, 100.0), entry('LDMGI', 1, 0.1, 100.0),
    ]  # fmt: skip
    text = compare.table_of(dict(points=[9, 4], largest_class=0.625, n_clusters=2), runs)
    lines = [[cell.strip() for cell in line.split('|')[1:-1]] for line in text.splitlines()]
    rows = {line[0]: line[1:] for line in lines if line}
    spread = statistics.stdev([0.5, 0.75])
    assert text.startswith('9 points of 4 values, 2 clusters\n')
    assert rows['largest class'][:3] == ['0.625', '0.000', '0.000']
    assert rows['DEC'] == [f'0.625 ± {spread:.3f}', f'0.312 ± {spread / 2:.3f}', '0.000 ± 0.000',
                           '1.0', '2']  # fmt: skip
    assert rows['AE + k-means'][0] == '0.250 ± 0.000'
    assert rows['LDMGI, 1'][0] == '0.200 ± 0.141'
    assert rows['LDMGI, best of 3 (1e-08)'][0] == '0.400 ± 0.000'
    assert rows['DEC - AE + k-means'][0].startswith('+0.375 ± ')
    assert 'DEC - k-means' not in rows


def test_all_in_one_cluster_scores_as_the_table_says():
    labels = np.array([0, 0, 0, 1, 2])
    scores = cluster_scores(labels, np.zeros(5, int))
    assert scores == dict(acc=0.6, nmi=0.0, ari=0.0)


def test_sparse_points_of_several_files(tmp_path):
    x, labels = clouds(20)
    for number, part in enumerate((slice(8), slice(8, 20))):
        sparse.save_npz(tmp_path / f'{number}.npz', sparse.csr_array(x[part]))
        (tmp_path / f'{number}.txt').write_text(''.join(f'c{k}\n' for k in labels[part]))
    files = [[tmp_path / f'{k}.{kind}' for k in (0, 1)] for kind in ('npz', 'txt')]
    points, known = compare.read_points(*files)
    np.testing.assert_array_equal(points.toarray(), x)
    assert known.tolist() == labels.tolist()
    np.save(tmp_path / 'all.npy', x)
    dense, _ = compare.read_points([tmp_path / 'all.npy'], files[1])
    np.testing.assert_array_equal(dense, x)


def test_refusals(table, tmp_path):
    out, _ = table
    x, labels = clouds()
    with pytest.raises(UserError, match="no clusterer 'kmeans': one of k-means, spectral"):
        run(tmp_path / 'a.json', ['kmeans'])
    with pytest.raises(UserError, match=r"no argument 'intervall'.*interval.*: alpha, batch_size"):
        run(tmp_path / 'a.json', ['DEC'], deep=dict(intervall=20))
    with pytest.raises(UserError, match='sha256'):
        run(out, ['k-means'], points=(x + 1, labels))
    with pytest.raises(UserError, match=r'of DEC with .*name another file'):
        run(out, ['DEC'], deep={})
    assert run(out, ['k-means'], deep={}) == table[1]
    (tmp_path / 'b.json').write_text('[]')
    with pytest.raises(UserError, match=r'b\.json is no table of clusterers'):
        run(tmp_path / 'b.json', ['k-means'])
