"""What deep embedded clustering and its baselines cost.

Points are random. Sides of a ratio are in one process and take turns, and their processor time is
compared, so one thread is best; memory is that of processes of their own
(embedded_clustering_memory.py). A part that is measured
again replaces its entry, others stay:
OMP_NUM_THREADS=1 python -m tools.benchmarks.embedded_clustering \
    --out benchmarks/embedded_clustering.json --only steps refresh
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.linalg import eigh
from sklearn.datasets import make_blobs

from mmvisx.analysis.embedded_clustering.baselines import NINE
from mmvisx.analysis.embedded_clustering.graphs import (
    ldmgi_eigenvectors,
    ldmgi_matrix,
    sec_eigenvectors,
    sec_operator,
)
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.engine.hooks import DECTargetHook
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import summary
from tools.benchmarks.embedded_clustering_bare import (
    BATCH,
    CHANNELS,
    CLUSTERS,
    Step,
    Turns,
    bare_dec,
    bare_pair,
    bare_whole,
)

ROOT = Path(__file__).resolve().parents[2]
NEIGHBOURS = 5
LAMBDAS = [10 * 2**i for i in range(9)]  # Figure 3.3
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)


def turns(rounds: int, ours: Step, reference: Step) -> dict[str, float]:
    """Return the summary of both sides' processor seconds, each first as often as the other."""
    pairs = []
    for turn in range(rounds):
        times = {}
        for run in (ours, reference) if turn % 2 else (reference, ours):
            start = time.process_time()
            run()
            times[run] = time.process_time() - start
        pairs.append((times[ours], times[reference]))
    return summary(pairs)


def runner_of(kind: str, data: Path, folder: Path, options: dict[str, Any]) -> Any:
    """Return the runner of the recipes' common part, as ``tools/train.py`` builds it.

    Args:
        kind: ``'autoencoder'`` or ``'dec'``.
        data: Points.
        folder: For its files.
        options: Of the config.
    """
    base = ROOT / 'configs' / '_base_' / f'embedded_clustering_{kind}.py'
    dataset = dict(type='mmvisx.VectorDataset', data=str(data), scale=0.02)
    options = {'train_dataloader.dataset': dataset, **options}
    cfg = prepare_config(base, folder / kind, options)
    cfg.setdefault('randomness', dict(seed=0))
    return build_runner(cfg)


def digits(folder: Path, count: int) -> Path:
    """Write random points like MNIST's, ``(n, 784)`` bytes, four fifths of them 0."""
    rng = np.random.default_rng(0)
    shape = (count, CHANNELS[0])
    np.save(
        folder / 'points.npy', rng.integers(0, 256, shape, np.uint8) * (rng.random(shape) < 0.2)
    )
    return folder / 'points.npy'


def target_hook(runner: Any) -> DECTargetHook:
    """Return the runner's hook."""
    return next(hook for hook in runner.hooks if isinstance(hook, DECTargetHook))


def steps(args: argparse.Namespace) -> dict[str, Any]:
    """Time the iterations of all phases, with loader and runner, against bare loops."""
    stage = args.block * (args.rounds + 1)
    pairs = len(CHANNELS) - 1
    bare = {f'pair {i + 1}': partial(bare_pair, args.points, i) for i in range(pairs)}
    found: dict[str, Any] = dict(points=args.points, batch=BATCH, block=args.block)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = digits(folder, args.points)
        # One more than is run: the last would write a checkpoint.
        stages = [stage] * pairs + [stage + 1]
        places = ('train_cfg', 'param_scheduler.0', 'param_scheduler.1')
        options: dict[str, Any] = {f'{place}.stages': stages for place in places}
        runner = runner_of('autoencoder', data, folder, options)
        timed = Turns(args.block, args.rounds, bare | {'whole': partial(bare_whole, args.points)})
        runner.register_hook(timed)
        runner.train()
        found |= timed.found
        options = {'train_cfg.max_iters': stage + 1, **cheap_start(stage + 1)}
        runner = runner_of('dec', data, folder, options)
        timed = Turns(args.block, args.rounds, {'DEC': partial(bare_dec, args.points)})
        runner.register_hook(timed)
        runner.train()
    return found | timed.found


def cheap_start(interval: int) -> dict[str, Any]:
    """Return options of a training whose k-means is short and whose codes differ."""
    return {
        'custom_hooks.DECTargetHook.restarts': 1,
        'custom_hooks.DECTargetHook.interval': interval,
        'custom_hooks.DECTargetHook.tol': 0.0,
        'model.encoder.init_cfg': dict(type='Normal', layer='Linear', std=0.05),
    }


def refresh(args: argparse.Namespace) -> dict[str, Any]:
    """Time a renewal of the targets of 70,000 labelled points against a plain forward pass.

    The shares of the nine lambdas are of a whole training: ``lambda`` iterations, one renewal.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = digits(folder, args.digits)
        np.save(folder / 'labels.npy', np.arange(args.digits) % CLUSTERS)
        options = {
            'train_cfg.max_iters': args.block,
            'train_dataloader.dataset.labels': str(folder / 'labels.npy'),
            **cheap_start(args.block + 1),
        }
        runner = runner_of('dec', data, folder, options)
        runner.train()
        hook, encoder = target_hook(runner), runner.model.encoder
        hook.interval = 1
        points = torch.from_numpy(np.load(data).astype(np.float32)) * 0.02

        @torch.no_grad()
        def forward() -> None:
            for part in points.split(4096):
                encoder(part)

        turns(1, partial(hook.after_train_iter, runner), forward)
        found: dict[str, Any] = dict(points=args.digits)
        found |= turns(args.rounds, partial(hook.after_train_iter, runner), forward)
        start = time.process_time()
        batches = iter(runner.train_dataloader)
        for _ in range(2 * args.block):
            runner.model.train_step(next(batches), runner.optim_wrapper)
        step = (time.process_time() - start) / (2 * args.block)
    renewal = found['ours']
    found['milliseconds_of_an_iteration'] = round(1000 * step, 2)
    found['share_of_renewals'] = {
        str(each): round(renewal / (renewal + each * step), 3) for each in LAMBDAS
    }
    return found


def alone(*arguments: object) -> dict[str, Any]:
    """Return what embedded_clustering_memory.py finds, in a process of its own."""
    command = [sys.executable, '-m', 'tools.benchmarks.embedded_clustering_memory']
    command += [str(argument) for argument in arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def memory(args: argparse.Namespace) -> dict[str, Any]:
    """Weigh clusterings of more and more points, and compare the slope with n(k + 10) floats twice.

    With the first centroids given, and with those of k-means.
    """
    found: dict[str, Any] = dict(points=list(SIZES), bytes_of_twice_k_plus_10=8 * (CLUSTERS + 10))
    for start in ('given', 'k-means'):
        sizes = [alone(start, count)['mebibytes'] for count in SIZES]
        slope, first = np.polyfit(SIZES, sizes, 1)
        off = np.abs(np.polyval((slope, first), SIZES) - sizes).max() / max(sizes)
        found[start] = dict(
            mebibytes=sizes,
            bytes_a_point=round(slope * 2**20, 1),
            ratio=round(slope * 2**20 / (8 * (CLUSTERS + 10)), 3),
            furthest_from_the_line=round(float(off), 3),
        )
    return found


def texts(args: argparse.Namespace) -> dict[str, Any]:
    """Weigh and time the clustering of a sparse matrix."""
    return alone('texts', args.texts)


def spectral(args: argparse.Namespace) -> dict[str, Any]:
    """Time eigenvectors of LDMGI's and SEC's matrices against a dense decomposition.

    The dense side computes the k eigenvectors that are wanted only, of a matrix that is there
    already; ours includes what it factors. Points: ten groups in 20 dimensions, turned into 784.
    """
    low, _ = make_blobs(args.graph, 20, centers=CLUSTERS, cluster_std=3.0, random_state=0)
    rng = np.random.default_rng(0)
    points = low @ rng.standard_normal((20, 784)) / 4 + rng.standard_normal((args.graph, 784))
    smallest = (0, CLUSTERS - 1)
    found: dict[str, Any] = dict(points=f'{args.graph} x 784', clusters=CLUSTERS)
    # The ends and the middle of the nine values that the chapter tries
    for value in NINE[::4]:
        matrix = ldmgi_matrix(points, NEIGHBOURS, value)
        ours = partial(ldmgi_eigenvectors, matrix, CLUSTERS)
        dense = partial(eigh, matrix.toarray(), subset_by_index=smallest)
        found[f'LDMGI {value:g}'] = turns(2, ours, dense)
        operator = sec_operator(points, NEIGHBOURS, value)
        ours = partial(sec_eigenvectors, operator, CLUSTERS)
        dense = partial(eigh, operator @ np.eye(args.graph), subset_by_index=smallest)
        found[f'SEC {value:g}'] = turns(2, ours, dense)
    return found


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    'steps': steps,
    'refresh': refresh,
    'memory': memory,
    'texts': texts,
    'spectral': spectral,
}


def main(arguments: list[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', required=True, help='JSON file')
    parser.add_argument('--only', nargs='+', default=list(PARTS), choices=list(PARTS))
    parser.add_argument('--points', type=int, default=20_000, help='of the iterations')
    parser.add_argument('--digits', type=int, default=70_000, help='of the renewals')
    parser.add_argument('--texts', type=int, default=685_071, help='rows of the sparse matrix')
    parser.add_argument('--graph', type=int, default=5000, help='points of the spectral methods')
    parser.add_argument('--block', type=int, default=20, help='iterations of a turn')
    parser.add_argument('--rounds', type=int, default=9, help='turns; 2 of spectral methods')
    args = parser.parse_args(arguments)
    torch.manual_seed(0)
    out = Path(args.out)
    result = json.loads(out.read_text())['result'] if out.is_file() else {}
    for name in args.only:
        result[name] = dict(machine=describe_machine(), **PARTS[name](args))
        write_json(out, dict(unit='seconds of processor time', result=result))
        print(json.dumps(result[name], indent=2))


if __name__ == '__main__':
    run_cli(main)
