"""Compare deep embedded clustering with its baselines on points whose classes are known.

Writes a JSON file and, beside it, a Markdown table with accuracy, NMI and ARI, mean and spread over
seeds, beside what all points in one cluster would score. The labels are for the scores alone. A
command that was cut short goes on where it stopped; more methods and seeds can be added later.

Examples:
    mmvisx compare-clusterers data/photos/vectors.npy --labels data/photos/labels.txt --k 10 \
        --out work_dirs/photos.json
    mmvisx compare-clusterers data/articles/vectors.npz --labels data/articles/labels.txt --k 4 \
        --methods k-means DEC --dec interval=20 --seeds 0 1 --out work_dirs/articles.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvisx.cli.options import OptionAction
from mmvisx.utils import UserError


def main(args: list[str] | None = None) -> None:
    """Cluster, score and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'points', nargs='+', help='.npy, .npz or idx files, as images-to-vectors writes them'
    )
    parser.add_argument('--labels', nargs='+', required=True, help='files with a class a point')
    parser.add_argument('--k', type=int, required=True, help='clusters')
    parser.add_argument('--out', required=True, help='JSON file; the table has its name and .md')
    parser.add_argument(
        '--methods', nargs='+', metavar='NAME',
        help='some of k-means, spectral, LDMGI, SEC, DEC; all without',
    )  # fmt: skip
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument(
        '--dec', nargs='+', action=OptionAction, default={}, metavar='NAME=VALUE',
        help='arguments of mmvisx.apis.DeepClustering that differ from its own, as interval=20',
    )  # fmt: skip
    options = parser.parse_args(args)
    out = Path(options.out)
    if out.suffix != '.json':
        raise UserError(f'--out {out} should end in .json: the table goes beside it')
    from mmvisx.apis.embedded_clustering.compare import METHODS, compare_clusterers, read_points

    points, labels = read_points(options.points, options.labels)
    out.parent.mkdir(parents=True, exist_ok=True)
    compare_clusterers(
        points, labels, options.k, out, options.methods or METHODS, options.seeds, options.dec
    )
    print(out.with_suffix('.md').read_text(encoding='utf-8'))
