"""Turn errors about a config into one line that names the config entry."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config, ConfigDict

from mmvisx.utils.errors import UserError

from .blame import blame
from .build_path import build_path
from .misfits import unknown_arguments, unknown_types, words_for_numbers
from .options import node_at, walk

_SHOWN = 200  # characters of a value


class ConfigError(UserError):
    """A user's error that names the entry of the config already."""


@contextmanager
def explain_config_errors(cfg: Config) -> Iterator[None]:
    """Raise a :class:`UserError` in place of an error that an entry of ``cfg`` causes.

    That is any error that is raised while a part of ``cfg`` is being built, by whatever class:
    constructors of this package and of the libraries raise what is usual in Python. The message
    names the entry, or all those that it may be, or the part where nothing says which entry of
    it. Errors that are raised after everything is built pass unchanged, unless ``cfg`` has words
    in the place of numbers, and so do those of things that stand nowhere in ``cfg``.
    """
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        message = _while_building(cfg, error) or _afterwards(cfg, error)
        if message is None:
            raise
        raise ConfigError(message) from error


def _while_building(cfg: Config, error: Exception) -> str | None:
    parts = build_path(cfg, error.__traceback__)
    if not parts:
        return None
    text = _text(error)
    part = parts[-1].paths
    misfits = unknown_types(cfg, part) or unknown_arguments(cfg, part, text)
    if misfits:
        return _line(cfg, misfits, next(iter(misfits.values())))
    paths = blame(cfg._cfg_dict, parts, text) or tuple(words_for_numbers(cfg, part)) or part
    if paths == ('',):
        return None  # the config as a whole is not an entry
    if isinstance(error, UserError) and any(path in text for path in paths):
        return text
    return _line(cfg, paths, _reason(error, text))


def _afterwards(cfg: Config, error: Exception) -> str | None:
    if isinstance(error, UserError):
        return None
    nodes = [path for path, node in walk(cfg._cfg_dict) if isinstance(node, dict)]
    misfits = words_for_numbers(cfg, nodes)
    if not misfits:
        return None
    reasons = ' and '.join(sorted(set(misfits.values())))
    return _line(cfg, misfits, f'{reasons}; {_reason(error, _text(error))}')


def _line(cfg: Config, paths: Iterable[str], reason: str) -> str:
    entries = (f'{path}={_shorten(node_at(cfg._cfg_dict, path))}' for path in paths)
    return f'config entry {" or ".join(entries)}: {reason}'


def _shorten(value: Any) -> str:
    value = value.to_dict() if isinstance(value, ConfigDict) else value
    text = ' '.join(repr(value).split())
    return text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'


def _text(error: Exception) -> str:
    """Return an error's message in one line; an assertion without one is its own message."""
    if isinstance(error, UserError):
        return str(error)
    text = str(error.args[0] if len(error.args) == 1 else error)
    if not text and isinstance(error, AssertionError):
        text = traceback.extract_tb(error.__traceback__)[-1].line or ''
    return ' '.join(text.split())


def _reason(error: Exception, text: str) -> str:
    if isinstance(error, UserError | ValueError | AssertionError):
        return text
    return f'{type(error).__name__}: {text}'
