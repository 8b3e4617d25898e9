"""What a clustering holds in memory, for embedded_clustering.py, which starts it in a process.

Prints a line of JSON: python -m tools.benchmarks.embedded_clustering_memory given 10000
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.hooks import Hook
from scipy import sparse
from torch.utils.data import DataLoader

from mmvisx.datasets import VectorDataset, whole_batch
from mmvisx.engine.hooks import DECTargetHook
from mmvisx.engine.runner import CheckedRunner
from mmvisx.models.clusterers import DEC
from mmvisx.utils import run_cli
from mmvisx.utils.measure import peak_memory

CLUSTERS = 10
# Of the document's news (000, Table 3.1): 1 % of the stems are in a text.
STEMS, IN_A_TEXT, TOPICS = 2000, 20, 4
ITERATIONS = 1000


def make_runner(
    points: Any,
    channels: tuple[int, ...],
    clusters: int,
    hooks: list[Hook],
    folder: str,
    **train: Any,
) -> CheckedRunner:
    """Return the runner of a clustering of points in memory, ``(n, d)``, with the recipes' SGD."""
    init = dict(type='Normal', layer='Linear', std=0.05)
    encoder = dict(type='mmvisx.StackedEncoder', channels=channels, init_cfg=init)
    dataset = VectorDataset(points)
    sampler = InfiniteSampler(dataset, shuffle=False, seed=0)
    return CheckedRunner(
        DEC(encoder, clusters, channels[-1]),
        folder,
        # MMEngine would copy the points in a config.
        train_dataloader=DataLoader(dataset, 256, sampler=sampler, collate_fn=whole_batch),
        train_cfg=dict(type='IterBasedTrainLoop', **train),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
        custom_hooks=[dict(type='mmvisx.RandomStateHook'), *hooks],
        default_hooks=dict(checkpoint=None),
        log_level='WARNING',
        randomness=dict(seed=0),
        default_scope='mmengine',
    )


def hold(count: int, given: bool) -> dict[str, Any]:
    """Weigh a clustering of points of 4 values, beyond these.

    Args:
        count: Points.
        given: Whether there are centroids; else k-means finds them.
    """
    points = np.random.default_rng(0).standard_normal((count, 4), np.float32)
    hook = DECTargetHook(interval=5, tol=0.0, restarts=2)
    with tempfile.TemporaryDirectory() as folder:
        runner = make_runner(points, (4, 10), CLUSTERS, [hook], folder, max_iters=10)
        if given:
            torch.nn.init.normal_(runner.model.centroids, std=0.05)
        return dict(mebibytes=round(peak_memory(runner.train), 2))


class Stamps(Hook):
    """Note the processor's and the clock's time when targets are there, and at the end."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.times = [now()]

    def before_train(self, runner: Any) -> None:
        """Begin to count iterations."""
        self.times.append(now())

    def after_train(self, runner: Any) -> None:
        """Count no more."""
        self.times.append(now())


def now() -> np.ndarray:
    """Return seconds of the processor and of the clock."""
    return np.array([time.process_time(), time.perf_counter()])


def cluster_texts(count: int) -> dict[str, Any]:
    """Cluster sparse rows with the document's encoder; weigh all that the process holds."""
    rng = np.random.default_rng(0)
    # One stem out of each hundredth of the list, of a weight that the topic has there.
    step = STEMS // IN_A_TEXT
    indices = rng.integers(0, step, (count, IN_A_TEXT), np.int32)
    indices += np.arange(0, STEMS, step, dtype=np.int32)
    values = rng.random((TOPICS, IN_A_TEXT), np.float32)[np.arange(count) % TOPICS] * 14
    starts = np.arange(0, indices.size + 1, IN_A_TEXT, dtype=np.int32)
    matrix = sparse.csr_array((values.ravel(), indices.ravel(), starts), (count, STEMS))
    del indices, values
    hook, stamps = DECTargetHook(interval=ITERATIONS + 1, tol=0.0), Stamps()
    channels = (STEMS, 500, 500, 2000, 10)
    with tempfile.TemporaryDirectory() as folder:
        runner = make_runner(matrix, channels, TOPICS, [hook, stamps], folder, max_iters=ITERATIONS)
        runner.train()
        hook.interval = 1
        start = now()
        hook.after_train_iter(runner)
        renewal = now() - start
    _, first, last = stamps.times
    lines = Path('/proc/self/status').read_text().splitlines()
    # Not getrusage: its peak counts the process that started this one.
    peak = next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))
    parts = dict(
        k_means_and_first_targets=first - stamps.times[0], iterations=last - first, renewal=renewal
    )
    return dict(
        rows=f'{count} x {STEMS}',
        stored=matrix.nnz,
        iterations=ITERATIONS,
        peak_megabytes=round(peak * 1024 / 1e6),
        processor_seconds={key: round(value[0], 1) for key, value in parts.items()},
        clock_seconds={key: round(value[1], 1) for key, value in parts.items()},
    )


def main() -> None:
    """Weigh and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('what', choices=('given', 'k-means', 'texts'))
    parser.add_argument('count', type=int, help='points')
    args = parser.parse_args()
    if args.what == 'texts':
        found = cluster_texts(args.count)
    else:
        found = hold(args.count, args.what == 'given')
    print(json.dumps(found))


if __name__ == '__main__':
    run_cli(main)
