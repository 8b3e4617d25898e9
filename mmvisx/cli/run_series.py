"""Train the rows of a series with several seeds; one table with mean and spread.

python tools/run_series.py configs/_series_/detectors_shapes.py --work-dir work_dirs/shapes
"""

import argparse
from pathlib import Path


def main() -> int:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description='Train a series and write one table')
    parser.add_argument('series', help='a Python config with rows and metrics')
    parser.add_argument('--work-dir', type=Path, help='work_dirs/{series} by default')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--only', nargs='+', metavar='ROW', help='rows to run')
    parser.add_argument('--jobs', type=int, default=1, help='trainings at a time')
    args = parser.parse_args()
    from mmvisx.apis.series import load_series
    from mmvisx.apis.series_run import run_series

    series = load_series(args.series)
    work_dir = args.work_dir or Path('work_dirs') / Path(args.series).stem
    results = run_series(series, work_dir, args.seeds, args.jobs, only=args.only)
    print((work_dir / 'table.md').read_text(encoding='utf-8'))
    failed = [r for r in results if 'error' in r]
    for run in failed:
        print(f'failed: {run["row"]}, seed {run["seed"]}: {run["error"]}')
    return 1 if failed else 0
