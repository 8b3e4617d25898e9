"""What every registered metric promises: batches in any order, and models that find nothing."""

import copy
import math
import pickle

import pytest

import mmvisx.evaluation  # noqa: F401 - registers everything
from mmvisx.registry import METRICS
from tests.contract.cases import cases

CASES = cases('METRICS')


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


@pytest.fixture
def metric(name, tmp_path):
    config = CASES[name].config(tmp_path)
    built = METRICS.build(dict(config, type=f'mmvisx.{name}'))
    built.dataset_meta = CASES[name].meta
    return built


def evaluate(metric, batches):
    metric = copy.deepcopy(metric)
    for batch in batches:
        metric.process({}, batch)
    return metric.evaluate(sum(map(len, batches)))


def assert_equal(metrics, other):
    assert metrics.keys() == other.keys()
    for key, value in metrics.items():
        assert value == pytest.approx(other[key], abs=1e-12, nan_ok=True), key


def test_batches_in_any_order(name, metric):
    samples = CASES[name].samples()
    assert len(samples) > 1
    alone = evaluate(metric, [[sample] for sample in samples])
    assert any(value > 0 for value in alone.values())
    assert_equal(alone, evaluate(metric, [[s] for s in CASES[name].samples()[::-1]]))
    assert_equal(alone, evaluate(metric, [CASES[name].samples()]))


def test_nothing_predicted(name, metric):
    metrics = evaluate(metric, [CASES[name].empty()])
    for key, value in CASES[name].nothing.items():
        assert metrics[key] == value, (key, metrics)
    assert all(math.isnan(v) or math.isfinite(v) for v in metrics.values())


def test_copies_are_the_same_metric(name, metric):
    wanted = evaluate(metric, [CASES[name].samples()])
    other = pickle.loads(pickle.dumps(metric))
    assert_equal(wanted, evaluate(other, [CASES[name].samples()]))
