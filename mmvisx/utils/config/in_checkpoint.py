"""The config that a checkpoint holds, read without evaluating it.

MMEngine keeps it as the text of a Python program and runs that to read it. What it writes are
assignments of literals, which are all that is read here. But a config of literals can have things
run as well: its types may be any function of any module, where no registry knows the name, and
``custom_imports`` names modules. Neither is allowed to somebody else's config.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from mmvisx.utils.errors import UserError
from mmvisx.utils.trust import TRUST_CHECKPOINT, is_set

from .options import walk
from .signatures import registered_names

__all__ = ['config_in', 'read_literals']

LIBRARIES = ('mmvisx', 'mmdet', 'mmpretrain', 'mmseg', 'mmcv', 'mmengine')
ADVICE = (
    'give the config as a file, after a look at it, or --trust-checkpoint if you know its author'
)


def config_in(checkpoint: Mapping[str, Any], source: str | Path) -> Config:
    """Return the config that MMEngine keeps in a checkpoint.

    Raises:
        UserError: It holds none, or one that would run something.
    """
    hub, meta = checkpoint.get('message_hub'), checkpoint.get('meta')
    info = hub.get('runtime_info') if isinstance(hub, dict) else None
    texts = [part.get('cfg') for part in (info, meta) if isinstance(part, dict)]
    text = next((text for text in texts if text), None)
    if not isinstance(text, str):
        raise UserError(f'checkpoint {source} holds no config; give the config too')
    if is_set(TRUST_CHECKPOINT):
        print_log(
            f'the config in checkpoint {source} is trusted (--trust-checkpoint): it is run',
            'current',
            logging.WARNING,
        )
        return Config.fromstring(text, file_format='.py')
    try:
        values = read_literals(text)
        _check_types(values)
    except ValueError as error:
        raise UserError(
            f'the config in checkpoint {source} would run something: {error}; {ADVICE}'
        ) from error
    return Config(values)


def read_literals(text: str) -> dict[str, Any]:
    """Return the values that a text assigns to names.

    Args:
        text: Assignments of numbers, texts, lists, tuples, dicts and ``dict(...)``, as MMEngine
            writes configs.

    Raises:
        ValueError: There is something else in it; the message says the line.
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f'it is no Python ({error or type(error).__name__})') from error
    found = {}
    for statement in statements:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise ValueError(f'line {statement.lineno} is no assignment to a name')
        (target,) = statement.targets
        if not isinstance(target, ast.Name):
            raise ValueError(f'line {statement.lineno} is no assignment to a name')
        try:
            found[target.id] = ast.literal_eval(_Dicts().visit(statement.value))
        except (ValueError, TypeError, RecursionError, MemoryError) as error:
            raise ValueError(
                f'line {statement.lineno} does not assign numbers, texts, lists and dicts to '
                f'{target.id}'
            ) from error
    return found


class _Dicts(ast.NodeTransformer):
    """Write ``dict(a=1)`` as ``{'a': 1}``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        first = node.args[0] if node.args else ast.Dict([], [])
        is_dict = isinstance(node.func, ast.Name) and node.func.id == 'dict'
        if not is_dict or len(node.args) > 1 or not isinstance(first, ast.Dict):
            return node  # literal_eval refuses it
        names = [ast.Constant(keyword.arg) for keyword in node.keywords]
        values = [keyword.value for keyword in node.keywords]
        return ast.Dict([*first.keys, *names], [*first.values, *values])


def _check_types(values: dict[str, Any]) -> None:
    if values.get('custom_imports'):
        raise ValueError(f'custom_imports={values["custom_imports"]} imports modules')
    for name, value in walk(values):
        key = name.rpartition('.')[2]
        if key.strip('_').endswith('scope') and value not in (None, *LIBRARIES):
            raise ValueError(f'{key}={value!r} imports a package that is none of ours')
        if key == 'type' and value is not None and not _is_known(value):
            raise ValueError(f'type={value!r} is no registered class, but something to be called')


def _is_known(kind: Any) -> bool:
    if not isinstance(kind, str):
        return False
    library, dot, name = kind.partition('.')
    if not dot:  # MMEngine takes a name that it does not know for a module
        return find_spec(kind) is None
    return library in LIBRARIES and name.rpartition('.')[2] in _registered(library)


@cache
def _registered(library: str) -> frozenset[str]:
    return frozenset(registered_names(library))
