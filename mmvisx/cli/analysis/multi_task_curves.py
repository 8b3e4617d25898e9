"""Draw one task's learning curves, trained separately and jointly, from a series.

python tools/analysis/multi_task_curves.py work_dirs/multi_task_transfer --task part --out parts.png
"""

import argparse


def main(args: list[str] | None = None) -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description='Draw learning curves of a task of a series')
    parser.add_argument('series', help='work dir of tools/run_series.py')
    parser.add_argument('--task', required=True, help='semantic, part or another name')
    parser.add_argument('--rows', nargs='+', help='folders in it; all that have the task')
    parser.add_argument('--out', default='task_curves.png', help='the picture')
    options = parser.parse_args(args)
    from mmvisx.analysis.multi_task_curves import TaskCurves

    analysis = TaskCurves(options.task, options.rows)
    print(f'wrote {analysis.draw(analysis.measure(options.series), options.out)}')
