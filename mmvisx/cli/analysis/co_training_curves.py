"""Draw how co-trained views learn: accuracy, view difference or fooling, over a series' epochs.

python tools/analysis/co_training_curves.py work_dirs/SERIES --what accuracy --out figure_3_1.png
python tools/analysis/co_training_curves.py work_dirs/SERIES --what difference --out figure_3_2.png
python tools/analysis/co_training_curves.py work_dirs/SERIES --epochs 100 200 --out figure_3_3.png
"""

import argparse


def main(args: list[str] | None = None) -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description='Draw how the views of a series learn')
    parser.add_argument(
        'series', nargs='+', help='work dirs of tools/run_series.py, one for each data set'
    )
    parser.add_argument(
        '--what',
        default='accuracy',
        help='accuracy (Figures 3-1 and 3-3), difference (Figure 3-2) or fooling',
    )
    parser.add_argument('--rows', nargs='+', help='folders in it; all that have the values')
    parser.add_argument(
        '--epochs', type=float, nargs=2, metavar=('FIRST', 'LAST'), help='all by default'
    )
    parser.add_argument('--out', default='co_training_curves.png', help='the picture')
    options = parser.parse_args(args)
    from mmvisx.analysis.co_training_curves import CoTrainingCurves

    analysis = CoTrainingCurves(options.what, options.rows, options.epochs)
    print(f'wrote {analysis.draw(analysis.measure(options.series), options.out)}')
