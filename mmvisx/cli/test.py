"""Evaluate a checkpoint with the config's metrics, or an ensemble of several classifiers.

python tools/test.py configs/detectors/htc_rfp_sac.py work_dirs/mine/epoch_12.pth
python tools/test.py CONFIG a/epoch_30.pth b/epoch_30.pth other_config.py:c/epoch_40.pth
"""

import argparse
from pathlib import Path
from typing import Any

from mmvisx.cli.options import add_config_argument, add_run_options
from mmvisx.utils import UserError
from mmvisx.utils.files import write_json


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Evaluate a checkpoint')
    add_config_argument(parser)
    parser.add_argument(
        'checkpoint',
        nargs='+',
        help='checkpoint file; several (classifiers only) are tested as an ensemble that averages '
        'their probabilities, where CONFIG.py:CHECKPOINT is a member with a config of its own',
    )
    parser.add_argument('--work-dir', help='log; work_dirs/{config} by default')
    parser.add_argument(
        '--out', help='.json: write the metrics; .npz: write the predictions of every image'
    )
    parser.add_argument('--show-dir', help='folder for pictures of the predictions')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='test although checkpoint and model do not have the same weights',
    )
    add_run_options(parser)
    return parser.parse_args()


def main() -> None:
    """Evaluate."""
    args = parse_args()
    from mmengine.dist import is_main_process

    from mmvisx.apis import run
    from mmvisx.apis.ensemble import enable_ensemble, split_member
    from mmvisx.apis.tta import enable_tta
    from mmvisx.utils.config.classes import read_classes, set_classes
    from mmvisx.utils.config.explain import explain_config_errors
    from mmvisx.utils.predictions import SUFFIX, check_name
    from mmvisx.utils.screen import quiet_screen

    suffix = Path(args.out).suffix if args.out else None
    if suffix not in (None, '.json', SUFFIX):
        check_name(args.out)
        raise UserError(f'--out {args.out}: the name must end in .json (metrics) or {SUFFIX}')
    run.set_local_rank(args.local_rank)
    cfg = run.prepare_config(args.config, args.work_dir, args.cfg_options, args.launcher)
    if args.classes:
        set_classes(cfg, read_classes(args.classes))
    cfg.resume = False
    absent = [k for k in ('test_dataloader', 'test_evaluator') if cfg.get(k) is None]
    if absent:
        raise UserError(f'{args.config} has no {" and no ".join(absent)}, so nothing to test on')
    cfg.setdefault('test_cfg', dict(type='TestLoop'))
    run.use_own_metrics(cfg)
    run.add_label_check(cfg)
    run.enable_fusing(cfg)
    if args.show_dir:
        run.draw_predictions(cfg, args.show_dir)
    if args.tta:
        enable_tta(cfg)
    if len(args.checkpoint) == 1 and split_member(args.checkpoint[0])[0] is None:
        cfg.load_from = args.checkpoint[0]
    elif args.tta:
        raise UserError('--tta and an ensemble do not go together')
    else:
        cfg.load_from = None
        enable_ensemble(cfg, args.checkpoint, args.allow_partial)
    with quiet_screen(args.verbose), explain_config_errors(cfg):
        runner = run.build_runner(cfg)
        runner.allow_partial = args.allow_partial
        if suffix == SUFFIX:
            runner.test_evaluator.metrics.append(run.prediction_dump(cfg, args.out))
        metrics = runner.test()
    if suffix == '.json' and is_main_process():
        write_json(args.out, {k: _plain(v) for k, v in metrics.items()})


def _plain(value: Any) -> Any:
    """Return a metric as JSON has it: no number of NumPy's (mmseg), no NaN."""
    value = value.item() if hasattr(value, 'item') else value
    return None if value != value else value
