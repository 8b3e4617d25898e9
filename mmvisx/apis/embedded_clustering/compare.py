"""Deep embedded clustering and its baselines on points with known classes: one table.

A *method* is run with each seed; a *value* is what is varied of LDMGI and SEC.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.analysis.embedded_clustering.baselines import BASELINES, VARIED, baseline, sweep
from mmvisx.apis.series import Row, Series
from mmvisx.apis.series_table import make_table
from mmvisx.datasets.features.embedded_clustering.labels import read_labels
from mmvisx.datasets.features.embedded_clustering.rows import SparseRows, open_rows
from mmvisx.evaluation.clustering import cluster_scores
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_json, write_text
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.text import similar

from .estimator import DeepClustering

__all__ = ['METHODS', 'compare_clusterers', 'read_points', 'results_of', 'table_of']

DEEP = 'DEC'
METHODS = (*BASELINES, DEEP)
# What DEC starts from: k-means of the autoencoder's codes.
START = 'AE + k-means'
FIXED = 1.0
SCORES = {'acc': 'ACC', 'nmi': 'NMI', 'ari': 'ARI'}


def read_points(
    files: Sequence[str | Path], labels: Sequence[str | Path]
) -> tuple[Any, np.ndarray]:
    """Return the points of files ``(n, d)``, dense or CSR, and their classes ``(n,)``.

    Args:
        files: As of :class:`mmvisx.VectorDataset`; their points follow one another.
        labels: Of the same points, in the same order.

    Raises:
        UserError: A file cannot be read, or the labels are of another number.
    """
    rows = open_rows([str(path) for path in files])
    known, _ = read_labels([str(path) for path in labels], rows.shape[0])
    if isinstance(rows, SparseRows):
        return rows.matrix, known
    return rows.read(np.arange(rows.shape[0])), known


def compare_clusterers(
    points: Any,
    labels: np.ndarray,
    n_clusters: int,
    out: str | Path,
    methods: Sequence[str] = METHODS,
    seeds: Sequence[int] = (0, 1, 2),
    deep: dict[str, Any] | None = None,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Cluster points with every method and seed; return all runs that ``out`` holds.

    The file is written after each run, with a table beside it (``.md``), and what it holds is not
    run again. All methods of a seed come before the next seed.

    Args:
        points: ``(n, d)``, dense or CSR.
        labels: Known classes from 0, ``(n,)``: for the scores alone.
        n_clusters: Clusters.
        out: JSON file.
        methods: Some of ``METHODS``; LDMGI and SEC are run with each of the nine values.
        seeds: Of k-means and of the networks.
        deep: Arguments of :class:`mmvisx.apis.DeepClustering` that differ from its own.
        say: Gets a line for each run.

    Returns:
        Of each run ``method``, ``value`` (``None`` but of LDMGI and SEC), ``seed``, ``seconds`` of
        the processor and ``metrics``; of DEC's also ``deep``, ``iterations`` and ``start``, the
        scores that k-means of the autoencoder's codes has.

    Raises:
        UserError: There is no such method or argument, or the file is of other points or arguments.
    """
    for name in methods:
        if name not in METHODS:
            raise UserError(f'no clusterer {name!r}: one of {", ".join(METHODS)}')
    out, deep = Path(out), json.loads(json.dumps(deep or {}))  # as the file will have it
    own = sorted(DeepClustering().get_params().keys() - {'n_clusters', 'random_state'})
    for name in deep:
        if name not in own:
            raise UserError(f'DEC has no argument {name!r}{similar(name, own)}: {", ".join(own)}')
    content = dict(_about(points, labels, n_clusters), machine=describe_machine())
    checked = deep if DEEP in methods else None
    runs = _earlier(out, content, checked)
    done = {(run['method'], run['value'], run['seed']) for run in runs}
    wanted = [run for run in _plan(methods, n_clusters, seeds, deep) if run[:3] not in done]
    for number, (method, value, seed, clusterer) in enumerate(wanted, 1):
        start = time.process_time()
        # Only DeepClustering looks at the labels, for its history.
        clusterer.fit(points, labels)
        seconds = time.process_time() - start
        metrics = cluster_scores(labels, clusterer.labels_)
        run = dict(method=method, value=value, seed=seed, seconds=seconds, metrics=metrics)
        if method == DEEP:
            first = clusterer.history_[0]
            run.update(
                deep=deep,
                iterations=clusterer.n_iter_,
                start={key: first[key] for key in SCORES},
            )
        # Read again: another command may have added runs meanwhile.
        runs = [*_earlier(out, content, checked), run]
        write_json(out, dict(content, runs=runs))
        write_text(out.with_suffix('.md'), table_of(content, runs))
        scores = ', '.join(f'{SCORES[key]} {metrics[key]:.4f}' for key in SCORES)
        varied = '' if value is None else f' {value:g}'
        say(f'[{number}/{len(wanted)}] {method}{varied}, seed {seed}: {scores}, {seconds:.0f} s')
    return runs


def results_of(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the table: one dict a row and seed, in the order of ``METHODS``.

    A training of DEC gives two, and its time is that of both. LDMGI and SEC have a row with the
    value 1 and one with that of the best mean accuracy over the seeds, which only labels can tell.
    """
    rows = []
    for method in METHODS:
        mine = [run for run in runs if run['method'] == method]
        if method == DEEP:
            rows += [dict(run, row=START, metrics=run['start']) for run in mine]
        by_value: dict[Any, list[dict[str, Any]]] = {}
        for run in mine:
            by_value.setdefault(run['value'], []).append(run)
        if by_value.keys() <= {None}:
            rows += [dict(run, row=method) for run in mine]
            continue
        rows += [dict(run, row=f'{method}, {FIXED:g}') for run in by_value.get(FIXED, [])]
        best = max(by_value, key=lambda value: _accuracy(by_value[value]))
        name = f'{method}, best of {len(by_value)} ({best:g})'
        rows += [dict(run, row=name) for run in by_value[best]]
    return rows


def table_of(content: dict[str, Any], runs: Sequence[dict[str, Any]]) -> str:
    """Return the Markdown table: mean and standard deviation, DEC against what it is to beat."""
    share = content['largest_class']
    # What all points in one cluster score, by the scores' definitions
    nothing = dict(
        row='largest class', seed=0, seconds=0.0, metrics=dict(acc=share, nmi=0.0, ari=0.0)
    )
    results = [nothing, *results_of(runs)]
    names = list(dict.fromkeys(result['row'] for result in results))
    pairs = tuple((DEEP, name) for name in (START, 'k-means') if {DEEP, name} <= set(names))
    series = Series(tuple(Row(name, '') for name in names), SCORES, pairs)
    n, d = content['points']
    head = f'{n} points of {d} values, {content["n_clusters"]} clusters'
    return f'{head}\n\n{make_table(series, results)}'


def _about(points: Any, labels: np.ndarray, n_clusters: int) -> dict[str, Any]:
    values = np.ascontiguousarray(points.data if hasattr(points, 'indptr') else points)
    return dict(
        points=list(points.shape),
        sha256=hashlib.sha256(values.tobytes() + labels.tobytes()).hexdigest(),
        largest_class=float(np.bincount(labels).max() / len(labels)),
        n_clusters=n_clusters,
    )


def _earlier(
    out: Path, content: dict[str, Any], deep: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Return the runs that a file holds, if it is of the same points and arguments."""
    if not out.exists():
        return []
    try:
        found = json.loads(out.read_text(encoding='utf-8'))
        runs = list(found['runs'])
        pairs = [(key, found[key], content[key]) for key in content if key != 'machine']
        if deep is not None:
            pairs += [('DEC with', run['deep'], deep) for run in runs if run['method'] == DEEP]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f'{out} is no table of clusterers: name another file') from error
    for name, there, wanted in pairs:
        if there != wanted:
            raise UserError(f'{out} is of {name} {there}, not {wanted}: name another file')
    return runs


def _plan(
    methods: Sequence[str], n_clusters: int, seeds: Sequence[int], deep: dict[str, Any]
) -> Iterator[tuple[str, float | None, int, Any]]:
    """Yield method, value, seed and the estimator of every run."""
    for seed in seeds:
        for method in methods:
            if method == DEEP:
                yield method, None, seed, DeepClustering(n_clusters, random_state=seed, **deep)
            elif method in VARIED:
                for value, clusterer in sweep(method, n_clusters, seed).items():
                    yield method, value, seed, clusterer
            else:
                yield method, None, seed, baseline(method, n_clusters, seed)


def _accuracy(runs: Sequence[dict[str, Any]]) -> float:
    return statistics.mean(run['metrics']['acc'] for run in runs)
