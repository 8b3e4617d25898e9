"""Put the few-shot tables of several seeds together; draw what a sweep trades.

    mmvisx analyse few-shot-seeds seed_*/table.json --against 'untrained phi-1' \\
        --curve phi-2-p0.0 phi-2-p0.3 phi-2-p0.7 phi-2 --out sweep.png

Printed are top-1 on large / few classes, mean and standard deviation over seeds.
"""

import argparse
import json
from pathlib import Path

from mmvisx.utils import UserError


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description='Put few-shot tables of several seeds together')
    parser.add_argument('tables', nargs='+', help='files that mmvisx few-shot compare --out wrote')
    parser.add_argument('--against', help='row that the others are compared with, seed by seed')
    parser.add_argument('--curve', nargs='+', metavar='ROW', help='rows to draw, in their order')
    parser.add_argument('--out', default='few_shot_seeds.png', help='the picture of --curve')
    args = parser.parse_args()
    from rich.console import Console

    from mmvisx.analysis import SeedTables

    tables = []
    for path in args.tables:
        try:
            tables.append(json.loads(Path(path).read_text(encoding='utf-8')))
        except (OSError, ValueError) as error:
            raise UserError(f'{path} is no table of mmvisx few-shot compare: {error}') from error
    analysis = SeedTables(args.against)
    means = analysis.measure(tables)
    Console(width=140).print(analysis.draw(means))
    if args.curve:
        print(f'wrote {analysis.draw_curve(means, args.curve, args.out)}')
