"""Turn MMEngine's errors about a config into short ones that name the config entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.config import Config

from mmvisx.utils.config import walk
from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import task_of
from mmvisx.utils.text import similar

from .signatures import constructor_arguments, registered_names, resolve_type

_UNKNOWN_TYPE = re.compile(r'^Failed to get (\S+)$|^(\S+) is not in the \S+ registry')
_UNKNOWN_ARGUMENT = re.compile(
    r"(\w+)\.?(?:__init__)?\(\) got an unexpected keyword argument '(\w+)'"
)


@contextmanager
def explain_config_errors(cfg: Config) -> Iterator[None]:
    """Raise a :class:`UserError` in place of an error that an entry of ``cfg`` causes.

    Handled are an unknown ``type`` and an argument that its class does not take. Other
    errors, and these when nothing in ``cfg`` matches them, pass unchanged.
    """
    try:
        yield
    except (KeyError, RuntimeError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        text = str(error.args[0]) if error.args else ''
        message = _unknown_type(cfg, text) or _unknown_argument(cfg, text)
        if message is None:
            raise
        raise UserError(message) from error


def _scope(cfg: Config) -> str:
    return task_of(cfg).scope


def _unknown_type(cfg: Config, text: str) -> str | None:
    match = _UNKNOWN_TYPE.search(text)
    if match is None:
        return None
    name = match.group(1) or match.group(2)
    places = [
        path
        for path, value in walk(cfg._cfg_dict)
        if path.rsplit('.', 1)[-1] == 'type'
        and isinstance(value, str)
        and value in (name, f'mmvisx.{name}', f'{_scope(cfg)}.{name}')
    ]
    if not places:
        return None
    hint = similar(name, registered_names(_scope(cfg)))
    return (
        f'config entry {places[0]}={cfg_value(cfg, places[0])!r}: '
        f'no such type is registered{hint}. '
        'A type of your own needs custom_imports=dict(imports=["your_module"])'
    )


def _unknown_argument(cfg: Config, text: str) -> str | None:
    match = _UNKNOWN_ARGUMENT.search(text)
    if match is None:
        return None
    owner, argument = match.groups()
    for path, value in walk(cfg._cfg_dict):
        if path.rsplit('.', 1)[-1] != 'type' or argument not in cfg_parent(cfg, path):
            continue
        target = resolve_type(value, _scope(cfg))
        if target is None:
            continue
        names, _ = constructor_arguments(target)
        if argument in names and owner != getattr(target, '__name__', ''):
            continue
        where = path.rpartition('.')[0] or 'the config'
        return (
            f'config entry {where}.{argument}: {value} takes no argument {argument!r}'
            f'{similar(argument, names)}'
        )
    return None


def cfg_parent(cfg: Config, path: str) -> dict:
    """Return the dict that holds the entry ``path``."""
    node = cfg._cfg_dict
    for part in path.split('.')[:-1]:
        node = node[int(part)] if isinstance(node, list | tuple) else node[part]
    return node


def cfg_value(cfg: Config, path: str) -> object:
    """Return the value of the entry ``path``."""
    return cfg_parent(cfg, path)[path.rsplit('.', 1)[-1]]
