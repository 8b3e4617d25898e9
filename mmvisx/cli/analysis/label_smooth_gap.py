"""Draw the gap between the highest score and the others, in theory and measured (000, Figure 2.4).

    python tools/analysis/label_smooth_gap.py CONFIG plain.pth smooth.pth --out gap.png

The images are those of the config's test data. OTHER_CONFIG.py:CHECKPOINT is a checkpoint of
another model.
"""

import argparse
from pathlib import Path

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option
from mmvisx.utils import UserError


def main() -> None:
    """Predict and draw."""
    parser = argparse.ArgumentParser(description='Draw what label smoothing does to the scores')
    add_config_argument(parser)
    parser.add_argument('checkpoints', nargs='+', help='checkpoints to compare')
    add_trust_option(parser)
    parser.add_argument('--epsilon', type=float, default=0.1, help='whose gap is marked')
    parser.add_argument('--mode', choices=['printed', 'coded'], default='printed')
    parser.add_argument('--legend', nargs='+', help='a name for each checkpoint')
    parser.add_argument('--out', default='label_smooth_gap.png', help='the picture')
    add_config_options(parser)
    args = parser.parse_args()
    from mmvisx.analysis.bag_of_tricks_label_smooth_gap import LabelSmoothGap
    from mmvisx.apis.build import build_model, build_test_loader
    from mmvisx.apis.ensemble import split_member
    from mmvisx.apis.run import prepare_config
    from mmvisx.models.losses.bag_of_tricks_label_smooth import optimal_gap

    names = args.legend or [str(Path(text)) for text in args.checkpoints]
    if len(set(names)) != len(args.checkpoints):
        raise UserError(f'--legend needs {len(args.checkpoints)} different names')
    cfg = prepare_config(args.config, options=args.cfg_options)
    images = build_test_loader(cfg)
    analysis = LabelSmoothGap(args.epsilon, args.mode)
    gaps, classes = {}, set()
    for name, text in zip(names, args.checkpoints, strict=True):
        path, checkpoint = split_member(text)
        own = cfg if path is None else prepare_config(path)
        gaps[name], count = analysis.measure(build_model(own, checkpoint), images)
        classes.add(count)
        print(f'{name}: gap {gaps[name].mean():.3f} +- {gaps[name].std():.3f}')
    if len(classes) > 1:
        raise UserError(f'the checkpoints have different class counts: {sorted(classes)}')
    (count,) = classes
    theory = optimal_gap(args.epsilon, count, args.mode)
    print(f'theory at epsilon = {args.epsilon:g}, {count} classes: {theory:.3f}')
    print(f'wrote {analysis.draw(gaps, count, args.out)}')
