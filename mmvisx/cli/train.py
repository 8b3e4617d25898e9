"""Train a model.

python tools/train.py configs/detectors/htc_rfp_sac.py --work-dir work_dirs/mine
"""

import argparse
import signal
import sys

from mmvisx.cli.options import add_config_argument, add_list_option, add_run_options


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    add_config_argument(parser)
    add_list_option(parser)
    parser.add_argument('--work-dir', help='logs and checkpoints; work_dirs/{config} by default')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on with the latest checkpoint of the work dir, or with the given one',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 on a GPU, bfloat16 in backbone and neck without one',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate to this run's batch size",
    )
    add_run_options(parser)
    return parser.parse_args()


def main() -> None:
    """Train."""
    args = parse_args()
    # Until the training begins and catches it (InterruptionHook) there is nothing to save.
    signal.signal(signal.SIGUSR1, lambda number, frame: sys.exit(143))
    from mmvisx.apis import run
    from mmvisx.utils.config.classes import read_classes, set_classes
    from mmvisx.utils.config.explain import explain_config_errors
    from mmvisx.utils.screen import quiet_screen

    run.set_local_rank(args.local_rank)
    cfg = run.prepare_config(args.config, args.work_dir, args.cfg_options, args.launcher)
    if args.classes:
        set_classes(cfg, read_classes(args.classes))
    run.set_resume(cfg, args.resume)
    if args.amp:
        run.enable_amp(cfg)
    if args.auto_scale_lr:
        run.enable_auto_scale_lr(cfg)
    run.add_loss_check(cfg)
    run.add_label_check(cfg)
    with quiet_screen(args.verbose), explain_config_errors(cfg):
        run.build_runner(cfg).train()
