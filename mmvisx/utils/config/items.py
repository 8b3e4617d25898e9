"""Items of a config's lists by the name of their type: ``custom_hooks.EMAHook.momentum``."""

from __future__ import annotations

from typing import Any

from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar


def positions_of_names(node: Any, key: str) -> str:
    """Write ``key`` with the positions of the list items that it names by their type.

    A name is that of the class, without its scope: ``custom_hooks.NeuralRejuvenationHook.variant``
    is ``custom_hooks.3.variant`` where the fourth hook is a ``mmvisx.NeuralRejuvenationHook``.
    Positions stay as they are, and so does what stands below a name that ``node`` does not have.

    Args:
        node: The config, or what stands for it: dicts and lists in each other.
        key: Names and positions with dots between them.

    Raises:
        UserError: No item of the list has the type, or several have it.
    """
    parts = key.split('.')
    for depth, part in enumerate(parts):
        if isinstance(node, list | tuple):
            if not part.isdigit():
                parts[depth] = _position(node, part, key, '.'.join(parts[:depth]))
            position = int(parts[depth])
            node = node[position] if position < len(node) else None
        elif isinstance(node, dict):
            node = node.get(part)
        else:
            break
    return '.'.join(parts)


def _position(items: list | tuple, name: str, key: str, parent: str) -> str:
    types = [item.get('type') if isinstance(item, dict) else None for item in items]
    names = [kind.rpartition('.')[2] if isinstance(kind, str) else '-' for kind in types]
    found = [str(position) for position, other in enumerate(names) if other == name]
    if len(found) == 1:
        return found[0]
    known = ', '.join(f'{position} {other}' for position, other in enumerate(names))
    if found:
        raise UserError(
            f'--cfg-options {key}: {parent} has {len(found)} items of the type {name!r}; write '
            f'the position of one of them ({known})'
        )
    raise UserError(
        f'--cfg-options {key}: {parent} is a list of {len(items)} items; {name!r} is neither the '
        f'type of one{similar(name, names)} nor an index from 0 to {len(items) - 1} ({known})'
    )
