"""Arguments that command lines of few-shot recognition share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmvisx.cli.options import add_config_argument
from mmvisx.utils import UserError

if TYPE_CHECKING:
    from mmvisx.apis.few_shot_teachable import Teachable

__all__ = [
    'add_category_changes',
    'add_model_arguments',
    'add_predictors',
    'change_categories',
    'check_something_to_do',
    'model_arguments',
    'named_predictors',
]


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


def add_category_changes(parser: argparse.ArgumentParser) -> None:
    """Add what is done to categories that a network was taught before."""
    parser.add_argument('--remove', nargs='+', default=[], metavar='NAME')
    parser.add_argument('--rename', nargs=2, action='append', default=[], metavar=('NAME', 'NEW'))


def check_something_to_do(args: argparse.Namespace) -> None:
    """Refuse a command that would change and predict nothing.

    Raises:
        UserError: See above.
    """
    if not (args.add or args.remove or args.rename or args.predict):
        raise UserError('nothing to do: give --add, --remove, --rename or --predict')


def change_categories(model: Teachable, args: argparse.Namespace) -> None:
    """Remove and rename categories of a taught network.

    Raises:
        UserError: There is none of a name, or a new name is taken.
    """
    for name in args.remove:
        model.remove_category(name)
    for name, new in args.rename:
        model.rename_category(name, new)


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
