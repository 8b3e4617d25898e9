"""The recipes that come with the package: found by name, searched by the words of their headers.

A recipe's name is its path below ``configs/`` without ``.py``: ``detectors/htc_rfp_sac``. Needs the
standard library only, so that help and completion are quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from .errors import UserError
from .text import similar

__all__ = ['FOLDER', 'find_config', 'recipe_names', 'search_recipes']

# Where MMEngine looks for ``_base_ = 'mmvisx::...'``. In a checkout it is a link to ``configs/``,
# of which building a wheel makes files.
FOLDER = (Path(__file__).parents[1] / '.mim' / 'configs').resolve()
CHECKOUT = 'configs/'


def recipe_names() -> list[str]:
    """Names of all recipes, in the order of the alphabet; no bases, no series."""
    return sorted(
        path.relative_to(FOLDER).with_suffix('').as_posix() for path in FOLDER.glob('[!_]*/*.py')
    )


def find_config(name: str | Path) -> Path:
    """Return the config file of this path or, where there is none, the packaged one of this name.

    ``detectors/htc_rfp_sac``, with or without the ending ``.py`` and the ``configs/`` in front that
    the path has in a checkout.

    Raises:
        UserError: there is neither; the message names similar ones.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    short = path.as_posix().removeprefix(CHECKOUT).removesuffix('.py')
    packaged = FOLDER / f'{short}.py'
    if packaged.is_file():
        return packaged
    siblings = [p.name for p in path.parent.glob('*.py')] if path.parent.is_dir() else []
    hint = similar(path.name, siblings) or similar(short, recipe_names())
    raise UserError(f'config file {path} does not exist{hint}; mmvisx list shows those packaged')


def header_of(path: Path) -> list[str]:
    """Return the lines of the comment that a recipe begins with, without their ``#``."""
    with path.open(encoding='utf-8') as file:
        return [line[1:].rstrip() for line in takewhile(lambda line: line[0] == '#', file)]


def search_recipes(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield ``(name, title)`` of the recipes in whose name or header every word stands.

    Capital letters are as good as small ones. The title is what stands in front of the command.
    """
    for name in recipe_names():
        header = header_of(FOLDER / f'{name}.py')
        text = ' '.join([name, *header]).lower()
        if all(word.lower() in text for word in words):
            title = takewhile(lambda line: not line.startswith('   '), header)
            yield name, ' '.join(line.strip() for line in title).rstrip('.')
