"""Which entries of a config an error is about, by its message and by the line that raised it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .build_path import Built, Step, same_value
from .options import node_at, walk

_WORD = re.compile(r'[A-Za-z_]\w*')
_SHORTEST = 3  # characters of a value that may be found by itself
# How much each sign says. A name or a value can stand in a message by chance; a line that reads
# a variable of the entry's name and value may be about another one of its variables.
_NAMED, _SHOWN, _READ = 2, 2, 1


@dataclass(frozen=True)
class Sign:
    """An entry and how much points to it."""

    path: str
    score: int
    depth: int


def blame(root: dict, parts: list[Built], text: str) -> tuple[str, ...]:
    """Return the paths of the entries that an error is about, () where nothing says it.

    Args:
        root: The whole config.
        parts: What was being built, outermost first.
        text: The error's message.

    Of several entries that as much speaks for, all are returned. The innermost part is searched
    first; a part around it only counts where the message gives both name and value.
    """
    for inward, part in enumerate(reversed(parts)):
        found: list[str] = []
        for path in part.paths:
            signs = list(_signs(node_at(root, path), path, text, part.steps))
            if inward or not path:
                signs = [s for s in signs if s.score >= _NAMED + _SHOWN]
            found += _strongest(signs)
        if found:
            return tuple(found)
    return ()


def _strongest(signs: list[Sign]) -> list[str]:
    if not signs:
        return []
    best = max((s.score, -s.depth) for s in signs)
    return [s.path for s in signs if (s.score, -s.depth) == best]


def _signs(node: dict, path: str, text: str, steps: list[Step]) -> Iterator[Sign]:
    words = set(_WORD.findall(text))
    read = _read_names(node, steps)
    for below, value in walk(node):
        name = below.rpartition('.')[2]
        shown = _is_shown(value, text)
        named = name in words
        if shown and not named and (len(str(value)) < _SHORTEST or name.isdigit()):
            shown = False
        if name == 'type' and not shown:
            named = False
        score = _NAMED * named + _SHOWN * shown + _READ * (below in read)
        if score:
            yield Sign(f'{path}.{below}' if path else below, score, below.count('.'))


def _read_names(node: dict, steps: list[Step]) -> set[str]:
    """Return the entries that the innermost line reads that reads any, or its function does."""
    for step in reversed(steps):
        code = step.frame.f_code
        in_line = set(_WORD.findall(step.text))
        # A constructor reads them all.
        in_function = set() if code.co_name == '__init__' else {*code.co_names, *code.co_varnames}
        for words in (in_line, in_function):
            names = {
                n for n, value in node.items() if n in words and same_value(step.frame, n, value)
            }
            if names:
                return names
        if '**' in step.text:
            return set()  # hands the others on without naming them
    return set()


def _is_shown(value: Any, text: str) -> bool:
    """Whether a message shows a value, as a word of its own."""
    forms = {repr(value), str(value)}
    if isinstance(value, list | tuple):
        forms |= {str(list(value)), str(tuple(value))}
    return any(
        re.search(rf'(?<![\w.]){re.escape(form)}(?!\w|\.\d)', text) for form in forms if form
    )
