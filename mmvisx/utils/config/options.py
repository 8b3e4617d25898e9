"""Read a config, and change it from the command line without silent mistakes.

MMEngine merges ``--cfg-options`` without a look at the names: a misspelt key is
added beside the right one and nothing tells the user that it had no effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.config.utils import MODULE2PACKAGE

from mmvisx.utils.errors import UserError
from mmvisx.utils.recipes import find_config
from mmvisx.utils.tasks import task_of
from mmvisx.utils.text import similar

from .items import positions_of_names
from .signatures import PLAIN_DICTS, RUNNER_KEYS, constructor_arguments, resolve_type

ESCAPE = '+'
PACKAGE = 'mmvisx'
MODULE2PACKAGE[PACKAGE] = PACKAGE  # for ``_base_ = 'mmvisx::detectors/htc_rfp_sac.py'``


def load_config(path: str | Path) -> Config:
    """Read a config file, or the packaged recipe of this name.

    A recipe says ``mmvisx.Name`` where it means this package, and other names are of its task's
    library. MMEngine takes all names of a base ``mmvisx::...`` for ours; that mark is taken off.

    Raises:
        UserError: the file (or a base of it) does not exist or does not evaluate;
            the message names the file and the line.
    """
    path = find_config(path)
    try:
        cfg = Config.fromfile(str(path))
    except UserError:
        raise
    except SyntaxError as error:
        where = error.filename if error.filename not in (None, '<unknown>') else path
        raise UserError(
            f'config file {where}, line {error.lineno}: {error.msg}: {(error.text or "").strip()}'
        ) from error
    except FileNotFoundError as error:
        raise UserError(f'config file {path}: {error}; look at its _base_ entries') from error
    except Exception as error:
        # A config is a program of the user's: whatever it raises is for the user.
        line = _line_in_config(error)
        raise UserError(
            f'config file {path}{line} does not evaluate: {type(error).__name__}: {error}'
        ) from error
    _forget_scope(cfg._cfg_dict)
    return cfg


def _forget_scope(node: Any) -> None:
    """Take the mark of bases ``mmvisx::...`` off, in place."""
    if isinstance(node, dict) and node.get('_scope_') == PACKAGE:
        del node['_scope_']
    for _, item in walk(node):
        if isinstance(item, dict) and item.get('_scope_') == PACKAGE:
            del item['_scope_']


def _line_in_config(error: Exception) -> str:
    found = ''
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == '<module>' and code.co_filename.endswith(('.py', '.yml', '.json')):
            found = f' ({code.co_filename}, line {trace.tb_lineno})'
        trace = trace.tb_next
    return found


def apply_options(cfg: Config, options: dict[str, Any]) -> None:
    """Merge ``options`` (dotted key -> value) into ``cfg``, in place.

    A key is accepted when it is in the config, when the class named by ``type`` takes
    it as a constructor argument, when MMEngine reads it (``randomness.seed``), or when
    it is written ``+key``. An item of a list goes by its position or by the name of its
    type (``custom_hooks.EMAHook.momentum``). ``data_root=...``, or any other plain variable
    whose name ends in ``root``, also changes every string of the config that starts with
    it: configs have used the variable up by the time an option arrives.

    Raises:
        UserError: a key is unknown, names several items of a list, or is a variable that
            nothing reads any more.
    """
    for key, value in options.items():
        forced = key.startswith(ESCAPE)
        key = positions_of_names(cfg._cfg_dict, key.lstrip(ESCAPE))
        parts = key.split('.')
        if not forced:
            check_key(cfg, key)
            if len(parts) == 1 and _is_used_up(cfg, key):
                _replace_root(cfg, key, value)
        _merge(cfg, parts, value)


def check_key(cfg: Config, key: str) -> None:
    """Raise a :class:`UserError` when nothing would read ``key`` of ``cfg``."""
    node: Any = cfg._cfg_dict
    parts = key.split('.')
    if any(not part for part in parts):
        raise UserError(f'--cfg-options {key}: an empty name between the dots')
    for depth, part in enumerate(parts):
        parent = '.'.join(parts[:depth])
        if isinstance(node, list | tuple):
            if not part.isdigit() or int(part) >= len(node):
                raise UserError(
                    f'--cfg-options {key}: {parent} is a list of {len(node)} items; '
                    f'{part!r} is not an index from 0 to {len(node) - 1}'
                )
            node = node[int(part)]
        elif isinstance(node, dict):
            if part in node:
                node = node[part]
                continue
            _check_new_name(cfg, node, key, parent, part)
            return  # below an accepted new name there is nothing to compare with
        elif node is None:
            return
        else:
            raise UserError(
                f'--cfg-options {key}: {parent} is the value {node!r}, it has no {part!r}'
            )


def _check_new_name(cfg: Config, node: dict, key: str, parent: str, part: str) -> None:
    accepted, is_open = _accepted(cfg, node, parent)
    if part in accepted:
        return
    known = sorted(set(node) | accepted)
    hint = similar(part, known)
    if is_open and not hint:
        return
    owner = f'{parent} ({node["type"]})' if 'type' in node else parent or 'the config'
    listing = hint or f' (it has {", ".join(known[:12])}{", ..." if len(known) > 12 else ""})'
    raise UserError(
        f'--cfg-options {key}: {owner} has no {part!r}{listing}. '
        f'Write {ESCAPE}{key}=... to add it all the same'
    )


def _accepted(cfg: Config, node: dict, path: str) -> tuple[set[str], bool]:
    """Return the names that may be added to ``node``, and whether there may be others."""
    if not path:
        return set(RUNNER_KEYS), False
    names: set[str] = {'_delete_', '_scope_', 'type'}
    is_open = False
    if 'type' in node:
        target = resolve_type(node['type'], task_of(cfg).scope)
        if target is None:
            raise UserError(
                f'the config says {path}.type={node["type"]!r}, which is not a registered type'
            )
        arguments, is_open = constructor_arguments(target)
        names |= arguments
    leaf = path.rsplit('.', 1)[-1]
    for pattern, extra in PLAIN_DICTS:
        if leaf.endswith(pattern):
            names |= extra()
    return names, is_open


def _is_used_up(cfg: Config, key: str) -> bool:
    return key in cfg and key not in RUNNER_KEYS


def _replace_root(cfg: Config, key: str, value: Any) -> None:
    old = cfg[key]
    places = [path for path, item in walk(cfg._cfg_dict) if path != key and _same(item, old)]
    if not key.endswith('root') or not isinstance(old, str):
        found = f'; its value stands at {", ".join(places[:4])}' if places else ''
        raise UserError(
            f'--cfg-options {key}: {key!r} is a variable of the config file that is used up when '
            f'the file is read, so changing it has no effect. Change the places that '
            f'were made from it{found}. (Write {ESCAPE}{key}=... for code of yours that reads it)'
        )
    stem = old.rstrip('/')
    for path, item in list(walk(cfg._cfg_dict)):
        if isinstance(item, str) and path != key and (item + '/').startswith(stem + '/'):
            _merge(cfg, path.split('.'), str(value).rstrip('/') + item[len(stem) :])


def _same(item: Any, old: Any) -> bool:
    return type(item) is type(old) and bool(item == old) and item not in (None, True, False)


def walk(node: Any, path: str = '') -> Iterable[tuple[str, Any]]:
    """Yield ``(dotted path, value)`` for every entry below ``node``."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, list | tuple):
        items = enumerate(node)
    for name, item in items:
        full = f'{path}.{name}' if path else str(name)
        yield full, item
        yield from walk(item, full)


def node_at(root: Any, path: str) -> Any:
    """Return the entry at a dotted path, the config itself for ``''``."""
    for part in path.split('.') if path else ():
        root = root[int(part)] if isinstance(root, list | tuple) else root[part]
    return root


def _merge(cfg: Config, parts: list[str], value: Any) -> None:
    """Set one entry; list items are set through the list, which MMEngine cannot do for a leaf."""
    node: Any = cfg._cfg_dict
    for depth, part in enumerate(parts[:-1]):
        known = not isinstance(node, dict) or part in node
        node = node[int(part)] if isinstance(node, list | tuple) else node.get(part)
        if isinstance(node, list | tuple):
            rest = parts[depth + 1 :]
            items = list(node)
            if len(rest) == 1:
                items[int(rest[0])] = value
            else:
                holder = Config(dict(item=items[int(rest[0])]))
                _merge(holder, ['item', *rest[1:]], value)
                items[int(rest[0])] = holder.item
            cfg.merge_from_dict({'.'.join(parts[: depth + 1]): type(node)(items)})
            return
        if node is None:
            below: Any = value
            for name in reversed(parts[depth + 1 :]):
                below = ConfigDict({name: below})
            head = '.'.join(parts[: depth + 1])
            # Only an entry that is there (as None) is replaced; a new one would keep the key.
            replace = dict(_delete_=True) if known else {}
            cfg.merge_from_dict({head: ConfigDict(**replace, **below)})
            return
    cfg.merge_from_dict({'.'.join(parts): value})
