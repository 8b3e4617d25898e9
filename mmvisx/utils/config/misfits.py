"""What a part of a config says that the class of its ``type`` cannot take, whatever the error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config

from mmvisx.utils.tasks import task_of
from mmvisx.utils.text import similar

from .options import node_at
from .signatures import (
    constructor_arguments,
    constructor_parameters,
    registered_names,
    resolve_type,
    wants_number,
)

_UNKNOWN_ARGUMENT = re.compile(r"unexpected keyword argument '(\w+)'|\(\) takes no (arguments)")

# Entries and what is wrong with them
Misfits = dict[str, str]


def unknown_types(cfg: Config, paths: Iterable[str]) -> Misfits:
    """Return the types, of the parts at ``paths``, that nothing is registered under."""
    scope = task_of(cfg).scope
    found = {}
    for path, node, target in _nodes(cfg, paths):
        if isinstance(node.get('type'), str) and target is None:
            hint = similar(node['type'], registered_names(scope))
            found[f'{path}.type'] = (
                f'no such type is registered{hint}. '
                'A type of your own needs custom_imports=dict(imports=["your_module"])'
            )
    return found


def unknown_arguments(cfg: Config, paths: Iterable[str], text: str) -> Misfits:
    """Return the entries that their class does not take, where the error ``text`` is about that.

    A class that takes no argument at all does not say which one it got.
    """
    match = _UNKNOWN_ARGUMENT.search(text)
    if match is None:
        return {}
    found = {}
    for path, node, target in _nodes(cfg, paths):
        names = constructor_arguments(target)[0] if target else set()
        for name in node:
            known = name == 'type' or (match.group(2) and name in names)
            if not known and match.group(1) in (name, None):
                reason = f'{node.get("type")} takes no argument {name!r}{similar(name, names)}'
                found[f'{path}.{name}'] = reason
    return found


def words_for_numbers(cfg: Config, paths: Iterable[str]) -> Misfits:
    """Return the entries that are a word where their class takes a number, or numbers."""
    found = {}
    for path, node, target in _nodes(cfg, paths):
        parameters = constructor_parameters(target)[0] if target else {}
        for name, value in node.items():
            if isinstance(value, str) and name in parameters and wants_number(parameters[name]):
                found[f'{path}.{name}'] = f'{node["type"]} takes a number'
    return found


def _nodes(cfg: Config, paths: Iterable[str]) -> Iterator[tuple[str, dict, Any]]:
    for path in paths:
        node = node_at(cfg._cfg_dict, path)
        yield path, node, resolve_type(node.get('type'), task_of(cfg).scope)
