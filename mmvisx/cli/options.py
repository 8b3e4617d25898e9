"""What the command lines share: the config they read, the options that change it.

Needs the standard library only until a command runs, so that help and completion are quick.
"""

from __future__ import annotations

import os
import re
from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from mmvisx.utils.trust import ALLOW_OUTSIDE, TRUST_CHECKPOINT

__all__ = [
    'OptionAction',
    'add_classes_option',
    'add_config_argument',
    'add_config_options',
    'add_list_option',
    'add_outside_option',
    'add_run_options',
    'add_trust_option',
    'build',
]


T = TypeVar('T')
# A value that begins as a dict, or as a list of dicts.
DICT = re.compile(r'[\[(\s\'"]*(dict\(|\{)')


class OptionAction(Action):
    """``--cfg-options KEY=VALUE ...``, with an error for an option without ``=``.

    Values are read as MMEngine's ``DictAction`` reads them, but spaces stay.
    """

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Collect the options in a dict."""
        options = dict(getattr(namespace, self.dest) or {})
        for value in values or ():
            if '=' not in value:
                raise ArgumentError(self, f'{value!r} is not of the form key=value')
            if value.count('[') != value.count(']') or value.count('(') != value.count(')'):
                raise ArgumentError(self, f'unbalanced brackets in {value!r}')
            key, text = value.split('=', maxsplit=1)
            try:
                options[key] = _read_value(text)
            except ValueError as error:
                raise ArgumentError(self, f'{value!r}: {error}') from None
        setattr(namespace, self.dest, options)


def _read_value(text: str) -> Any:
    """Read a number, a text, or a list of them.

    Raises:
        ValueError: It is none; the message says what to do.
    """
    from mmengine.config import DictAction

    if DICT.match(text):
        raise ValueError(
            'a value is a number, a text or a list of them, no dict: change its entries by their '
            'keys (optim_wrapper.optimizer.lr=0.01), or write it into a config with _base_'
        )

    # MMEngine deletes every space of a list, and of a path that has one.
    if not any(c in text for c in '[](),'):
        return DictAction._parse_int_float_bool(text.strip('\'"'))
    try:
        return DictAction._parse_iterable(text)
    except (AssertionError, RecursionError):
        raise ValueError('brackets enclose lists, as [1,2] or [(1,2),(3,4)]') from None


def add_config_argument(parser: ArgumentParser, name: str = 'config', **options: Any) -> None:
    """Add the argument that names a config to a tool's parser.

    Args:
        parser: Of the tool.
        name: Of the argument.
        **options: As ``add_argument`` takes them.
    """
    options = {'help': 'config file, or name of a recipe: see mmvisx list', **options}
    parser.add_argument(name, **options).completer = complete_config  # type: ignore[attr-defined]


def complete_config(prefix: str, **_: Any) -> list[str]:
    """Return what the shell may complete to a config: the recipes' names, and files."""
    from argcomplete.completers import FilesCompleter

    from mmvisx.utils.recipes import recipe_names

    files = FilesCompleter(allowednames=('.py',))(prefix)
    return [name for name in recipe_names() if name.startswith(prefix)] + list(files)


class _ListAction(Action):
    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: Any = None
    ) -> None:
        from .list_recipes import show

        parser.exit(show(values))


def add_list_option(parser: ArgumentParser) -> None:
    """Add ``--list``, which does what ``mmvisx list`` does."""
    parser.add_argument(
        '--list',
        nargs='*',
        action=_ListAction,
        metavar='WORD',
        help='list the recipes with all these words in their names or headers, and end',
    )


def add_config_options(parser: ArgumentParser) -> None:
    """Add ``--cfg-options`` to a tool's parser."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionAction,
        default={},
        metavar='KEY=VALUE',
        help='change config values, e.g. optim_wrapper.optimizer.lr=0.01 or, of a list, '
        'custom_hooks.EMAHook.momentum=0.01; a key that neither the '
        'config nor the class it belongs to knows is refused, unless it starts with a "+"',
    )


def add_classes_option(parser: ArgumentParser) -> None:
    """Add ``--classes`` to a tool's parser."""
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help="classes of your own data instead of the config's: their names (of masks in the order "
        'of the labels, from 0), or what to read them from: a COCO JSON, a text file with a name '
        'a line, or a folder with a sub-folder for each class',
    )


def add_run_options(parser: ArgumentParser) -> None:
    """Add what training and testing share: classes, config options, the log, the launcher's."""
    add_classes_option(parser)
    add_config_options(parser)
    parser.add_argument(
        '--verbose',
        action='store_true',
        help='show the whole log, with environment and config; it is in the log file anyway',
    )
    add_trust_option(parser)
    add_outside_option(parser)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


class _VariableAction(Action):
    """Set an environment variable, which processes that are started see too."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: Any = None
    ) -> None:
        os.environ[str(self.const)] = '1'


def add_trust_option(parser: ArgumentParser) -> None:
    """Add ``--trust-checkpoint`` to a tool's parser."""
    parser.add_argument(
        '--trust-checkpoint',
        action=_VariableAction,
        const=TRUST_CHECKPOINT,
        nargs=0,
        help='let checkpoints (and the configs in them) run what they bring along, which can be '
        'anything that you can do; only for files whose author you know',
    )


def add_outside_option(parser: ArgumentParser) -> None:
    """Add ``--allow-outside`` to a tool's parser."""
    parser.add_argument(
        '--allow-outside',
        action=_VariableAction,
        const=ALLOW_OUTSIDE,
        nargs=0,
        help='take images that the annotations name outside of the data root',
    )


def build(kind: type[T], options: Namespace) -> T:
    """Return a dataclass made of the options that were given, which have the names of its fields.

    Such options have ``default=SUPPRESS``: what was not given keeps the default of the class, which
    help need not import.
    """
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in vars(options).items() if name in names})
