"""Arguments that command lines of few-shot recognition share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmvisx.utils import UserError

__all__ = ['add_predictors', 'named_predictors']


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
