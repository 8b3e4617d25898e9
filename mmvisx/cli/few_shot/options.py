"""Arguments that command lines of few-shot recognition share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmvisx.cli.options import add_config_argument
from mmvisx.utils import UserError

__all__ = ['add_model_arguments', 'add_predictors', 'model_arguments', 'named_predictors']


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what names a network: config and checkpoint, or a checkpoint that holds its config."""
    add_config_argument(
        parser,
        'model',
        help='config of the network and, next, its checkpoint; or a checkpoint alone, which holds '
        'its config: of a training, or a taught one',
    )
    parser.add_argument('checkpoint', nargs='?', help='checkpoint, where a config stands first')


def model_arguments(args: argparse.Namespace) -> tuple[str | None, str]:
    """Return the config, or ``None``, and the checkpoint.

    Raises:
        UserError: There is a config alone.
    """
    if args.checkpoint is None and args.model.endswith('.py'):
        raise UserError(f'{args.model} is a config: give the checkpoint next')
    return (None, args.model) if args.checkpoint is None else (args.model, args.checkpoint)


def add_predictors(parser: argparse.ArgumentParser) -> None:
    """Add ``--predictor NAME=CHECKPOINT ...``."""
    parser.add_argument(
        '--predictor', nargs='*', default=[], metavar='NAME=CHECKPOINT', help='trained predictors'
    )


def named_predictors(texts: Sequence[str]) -> dict[str, str]:
    """Return checkpoints by name.

    Args:
        texts: ``NAME=CHECKPOINT`` each.

    Raises:
        UserError: One is not of this form.
    """
    found = {}
    for text in texts:
        name, sign, path = text.partition('=')
        if not (name and sign and path):
            raise UserError(f'--predictor {text} is not of the form NAME=CHECKPOINT')
        found[name] = path
    return found
