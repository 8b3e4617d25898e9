"""What deep embedded clustering and its baselines cost.

Points are random. Sides of a ratio are in one process and take turns, and their processor time is
compared, so one thread is best. A part that is measured again replaces its entry, others stay:
OMP_NUM_THREADS=1 python tools/benchmarks/embedded_clustering.py \
    --out benchmarks/embedded_clustering.json --only spectral
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import eigh
from sklearn.datasets import make_blobs

from mmvisx.analysis.embedded_clustering_baselines import NINE
from mmvisx.analysis.embedded_clustering_graphs import (
    ldmgi_eigenvectors,
    ldmgi_matrix,
    sec_eigenvectors,
    sec_operator,
)
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import summary

CLUSTERS = 10
NEIGHBOURS = 5


def turns(rounds: int, ours: Callable[[], Any], reference: Callable[[], Any]) -> dict[str, float]:
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


def spectral(args: argparse.Namespace) -> dict[str, Any]:
    """Time eigenvectors of LDMGI's and SEC's matrices against a dense decomposition.

    The dense side computes the k eigenvectors that are wanted only, of a matrix that is there
    already; ours includes what it factors. Points: ten groups in 20 dimensions, turned into 784.
    """
    low, _ = make_blobs(args.points, 20, centers=CLUSTERS, cluster_std=3.0, random_state=0)
    rng = np.random.default_rng(0)
    points = low @ rng.standard_normal((20, 784)) / 4 + rng.standard_normal((args.points, 784))
    smallest = (0, CLUSTERS - 1)
    found: dict[str, Any] = dict(points=f'{args.points} x 784', clusters=CLUSTERS)
    # The ends and the middle of the nine values that the chapter tries
    for value in NINE[::4]:
        matrix = ldmgi_matrix(points, NEIGHBOURS, value)
        ours = partial(ldmgi_eigenvectors, matrix, CLUSTERS)
        dense = partial(eigh, matrix.toarray(), subset_by_index=smallest)
        found[f'LDMGI {value:g}'] = turns(args.rounds, ours, dense)
        operator = sec_operator(points, NEIGHBOURS, value)
        ours = partial(sec_eigenvectors, operator, CLUSTERS)
        dense = partial(eigh, operator @ np.eye(args.points), subset_by_index=smallest)
        found[f'SEC {value:g}'] = turns(args.rounds, ours, dense)
    return found


PARTS = {'spectral': spectral}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', required=True, help='JSON file')
    parser.add_argument('--only', nargs='+', default=list(PARTS), choices=list(PARTS))
    parser.add_argument('--points', type=int, default=5000, help='of the spectral part')
    parser.add_argument('--rounds', type=int, default=2)
    args = parser.parse_args()
    out = Path(args.out)
    result = json.loads(out.read_text())['result'] if out.is_file() else {}
    for name in args.only:
        result[name] = dict(machine=describe_machine(), **PARTS[name](args))
        write_json(out, dict(unit='seconds of processor time', result=result))
        print(json.dumps(result[name], indent=2))


if __name__ == '__main__':
    run_cli(main)
