"""Lay values out as the Python of a config."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, NamedTuple

__all__ = ['WIDTH', 'Code', 'Entry', 'code', 'lay_out']

WIDTH = 100


class Code(str):
    """An expression, to be written as it is."""

    __slots__ = ()


class Entry(NamedTuple):
    """An assignment of a config.

    Attributes:
        name: Of the variable.
        value: What it gets.
        comment: Stands above it, in lines of any length.
    """

    name: str
    value: Any
    comment: str = ''


def lay_out(header: Sequence[str], entries: Sequence[Entry]) -> str:
    """Return the text of a config: the lines of a comment and the entries."""
    lines = [f'# {line}'.rstrip() for line in header]
    for entry in entries:
        if entry.comment:
            lines.append('')
            lines += [f'# {line}' for line in _wrap(entry.comment)]
        lines.append(f'{entry.name} = {code(entry.value, used=len(entry.name) + 3)}')
    return '\n'.join(lines) + '\n'


def code(value: Any, indent: int = 0, used: int = 0) -> str:
    """Return a value as Python: dicts as calls of ``dict``, an item a line where one is too short.

    Args:
        value: Of dicts with names as keys, lists, tuples, :class:`Code` and what ``repr`` writes.
        indent: Spaces in front of the line that it ends on.
        used: Letters in front of it on its first line, and behind it.
    """
    if isinstance(value, Code):
        return str(value)
    brackets, items = _items(value)
    if brackets is None:
        return repr(value)
    short = ', '.join(name + code(item) for name, item in items)
    short = (
        f'{brackets[0]}{short}{"," * (isinstance(value, tuple) and len(items) == 1)}{brackets[1]}'
    )
    if '\n' not in short and indent + used + len(short) <= WIDTH:
        return short
    inner = indent + 4
    lines = [f'{" " * inner}{name}{code(item, inner, len(name) + 1)},' for name, item in items]
    return '\n'.join([brackets[0], *lines, ' ' * indent + brackets[1]])


def _items(value: Any) -> tuple[tuple[str, str] | None, list[tuple[str, Any]]]:
    if isinstance(value, dict):
        return ('dict(', ')'), [(f'{key}=', item) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        brackets = ('[', ']') if isinstance(value, list) else ('(', ')')
        return brackets, [('', item) for item in value]
    return None, []


def _wrap(comment: str) -> list[str]:
    return [line for text in comment.splitlines() for line in wrap(text, WIDTH - 2)]
