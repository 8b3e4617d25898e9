"""What a training logs into files, when there is no room for it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from mmengine.config import Config
from mmengine.fileio import dump
from mmengine.visualization import LocalVisBackend
from mmengine.visualization.vis_backend import force_init_env

from mmvisx.utils.files import explaining, write_text

__all__ = ['RoomyVisBackend', 'say_once_when_full', 'with_room']


class RoomyVisBackend(LocalVisBackend):
    """MMEngine's JSON log; says which file it is that cannot be written.

    A line is appended at once, so a process that dies leaves all lines before it.
    """

    @force_init_env
    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Write the config.

        Raises:
            UserError: there is no room.
        """
        write_text(self._config_save_file, config.pretty_text)

    def _dump(self, value_dict: dict, file_path: str, file_format: str) -> None:
        line = f'{dump(value_dict, file_format=file_format)}\n'
        with explaining(file_path, len(line.encode())), open(file_path, 'a') as file:
            file.write(line)


def with_room(visualizer: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the config of a visualizer with :class:`RoomyVisBackend` for MMEngine's."""
    new = dict(visualizer or dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]))
    local = ('LocalVisBackend', 'mmengine.LocalVisBackend', LocalVisBackend)
    new['vis_backends'] = [
        dict(backend, type=RoomyVisBackend)
        if isinstance(backend, Mapping) and backend.get('type') in local
        else backend
        for backend in new.get('vis_backends') or []
    ]
    return new


def say_once_when_full(logger: logging.Logger) -> None:
    """Let a text log that cannot be written cost one line, not a traceback for every line."""
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handleError = partial(_say, handler, [])  # type: ignore[method-assign]


def _say(handler: logging.FileHandler, said: list[str], record: logging.LogRecord) -> None:
    if not said:
        said.append(handler.baseFilename)
        error = sys.exc_info()[1]
        print(f'{handler.baseFilename} is not written any more: {error}', file=sys.stderr)
