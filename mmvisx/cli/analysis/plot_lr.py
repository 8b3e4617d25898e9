"""Draw the learning-rate schedules of one or more configs (000, Figure 2.3a).

python tools/analysis/plot_lr.py CONFIG OTHER_CONFIG --iters-per-epoch 1252 --out lr.png
"""

import argparse
from pathlib import Path

from mmvisx.cli.options import add_config_argument, add_config_options
from mmvisx.utils import UserError


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description='Draw learning-rate schedules')
    add_config_argument(parser, 'configs', nargs='+')
    parser.add_argument(
        '--iters-per-epoch', type=int, help="by default from the training data's size"
    )
    parser.add_argument('--legend', nargs='+', help='a name for each config')
    parser.add_argument('--out', default='lr.png', help='the picture')
    add_config_options(parser)
    args = parser.parse_args()
    from mmvisx.analysis.lr_schedule import LearningRates
    from mmvisx.apis.run import prepare_config
    from mmvisx.utils.config.explain import explain_config_errors

    names = args.legend or [Path(path).stem for path in args.configs]
    if len(names) != len(args.configs):
        raise UserError(f'--legend has {len(names)} names for {len(args.configs)} configs')
    analysis = LearningRates(args.iters_per_epoch)
    schedules = []
    for name, path in zip(names, args.configs, strict=True):
        cfg = prepare_config(path, options=args.cfg_options)
        with explain_config_errors(cfg):
            rates, length = analysis.measure(cfg)
        print(f'{name}: {len(rates)} iterations, {rates[0]:.3g} ... {rates[-1]:.3g}')
        schedules.append((name, rates, length))
    print(f'wrote {analysis.draw(schedules, args.out)}')
