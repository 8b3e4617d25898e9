"""Draw loss and metric curves of one or more trainings.

python tools/analysis/plot_log.py work_dirs/a work_dirs/b --keys loss coco/bbox_mAP
"""

import argparse


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description='Draw loss and metric curves')
    parser.add_argument('logs', nargs='+', help='work dirs or vis_data/scalars.json files')
    parser.add_argument('--keys', nargs='+', help='the total loss and all metrics by default')
    parser.add_argument('--legend', nargs='+', help='a name for each log')
    parser.add_argument('--out', default='curves.png', help='the picture')
    args = parser.parse_args()
    from mmvisx.analysis.training_curves import TrainingCurves

    analysis = TrainingCurves(args.keys, args.legend)
    print(f'wrote {analysis.draw(analysis.measure(args.logs), args.out)}')
