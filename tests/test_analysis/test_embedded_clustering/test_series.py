"""Series over a parameter and over the number of clusters, by hand."""

import json

import numpy as np
import pytest

from mmvisx.analysis import ClusterNumbers, ParameterSweep
from mmvisx.analysis.embedded_clustering.sweep import split_row
from mmvisx.utils import UserError
from tests.helpers.embedded_clustering import assigned


@pytest.mark.parametrize(
    ('row', 'wanted'),
    [
        ('DEC 40', ('DEC', 40)),
        ('LDMGI, lambda=1e-08', ('LDMGI, lambda', 1e-8)),
        ('SEC 1e+2', ('SEC', 100)),
        ('shift = -0.5', ('shift', -0.5)),
        ('k-means', ('k-means', None)),
        ('DEC w/o backprop', ('DEC w/o backprop', None)),
        ('resnet20', ('resnet20', None)),
        ('20', ('20', None)),
    ],
)
def test_rows_are_methods_with_values(row, wanted):
    assert split_row(row) == wanted


@pytest.fixture
def results(tmp_path):
    """Results as a series writes them: two methods, one of them without a parameter."""
    runs = [('DEC 20', 0, 0.5), ('DEC 10', 0, 0.25), ('DEC 20', 1, 0.75), ('k-means', 0, 0.125)]
    entries = [
        dict(row=row, seed=seed, seconds=1.0, metrics={'dec/nmi': 0.9, 'dec/acc': acc})
        for row, seed, acc in runs
    ]
    entries.append(dict(row='DEC 30', seed=0, error='exit code 1'))
    folder = tmp_path / 'mnist_lambda'
    folder.mkdir()
    (folder / 'results.json').write_text(json.dumps(dict(runs=entries)))
    return folder


def test_sweep_by_hand(results):
    wanted = [
        ('mnist lambda', 'DEC', [10, 20], [[0.25], [0.5, 0.75]]),
        ('mnist lambda', 'k-means', [None], [[0.125]]),
    ]
    assert ParameterSweep().measure([results]) == wanted
    of_file = [method._replace(data='results') for method in ParameterSweep().measure([results])]
    assert ParameterSweep().measure([results / 'results.json']) == of_file
    of_nmi = ParameterSweep('dec/nmi').measure([results])
    assert of_nmi[1].accuracies == [[0.9]]


def test_series_and_a_comparison_in_one_panel(results):
    runs = [('LDMGI', 1e-8, 0.5), ('LDMGI', 1.0, 0.25), ('k-means', None, 0.75)]
    entries = [dict(method=m, value=v, seed=0, metrics=dict(acc=acc)) for m, v, acc in runs]
    other = results / 'other.json'
    other.write_text(json.dumps(dict(runs=entries)))
    found = ParameterSweep().measure([f'MNIST={results}', f'MNIST={other}'])
    assert {method.data for method in found} == {'MNIST'}
    assert [(m.method, m.values, m.accuracies) for m in found[2:]] == [
        ('LDMGI', [1e-8, 1.0], [[0.5], [0.25]]),
        ('k-means', [None], [[0.75]]),
    ]


def test_what_cannot_be_read_is_named(results, tmp_path):
    with pytest.raises(UserError, match="has 'dec/ari': without labels there is no accuracy"):
        ParameterSweep('dec/ari').measure([results])
    with pytest.raises(UserError, match=r'nothing.*cannot be read as results of a series'):
        ParameterSweep().measure([tmp_path / 'nothing'])
    (results / 'results.json').write_text('[]')
    with pytest.raises(UserError, match='cannot be read as results of a series'):
        ParameterSweep().measure([results])


def g(q):
    """Eq. 3.2 a point, a number at a time."""
    q, total = q.tolist(), 0.0
    f = [sum(row[j] for row in q) for j in range(len(q[0]))]
    for row in q:
        p = [x * x / y for x, y in zip(row, f, strict=True)]
        total += sum(a / sum(p) * np.log(a / sum(p) / b) for a, b in zip(p, row, strict=True))
    return total / len(q)


def test_numbers_of_clusters_in_order_and_their_seeds_together():
    runs = [
        (assigned(n=40, k=k, seed=seed), assigned(n=15, k=k, seed=seed + 50))
        for k, seed in [(4, 0), (3, 1), (4, 2)]
    ]
    three, four = ClusterNumbers().measure(runs)
    assert (three.k, four.k) == (3, 4)
    wanted = [g(train.q) / g(held_out.q) for train, held_out in runs]
    assert four.g == pytest.approx([wanted[0], wanted[2]])
    assert three.g == pytest.approx([wanted[1]])
    assert len(four.nmi) == 2
    same = assigned(n=40)
    same = same._replace(labels=same.clusters)
    assert ClusterNumbers().measure([(same, runs[1][1])])[0].nmi == [1.0]
    unlabelled = assigned(classes=0)
    assert ClusterNumbers().measure([(unlabelled, unlabelled)])[0][1:] == ([1.0], [])
