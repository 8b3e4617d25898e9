"""Where ``mmcv._ext`` is imported from when nothing was compiled."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ['is_standing_in', 'stand_in']

NAME = 'mmcv._ext'
# Set to 'python', compiled ops are passed over: to compare, or where they crash.
VARIABLE = 'MMVISX_OPS'


class _Finder(MetaPathFinder, Loader):
    """Finds ``mmcv._ext`` alone; without torch, until it is asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(NAME, self, origin=__name__) if fullname == NAME else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return import_module('mmvisx.ops.mmcv_ext.functions')

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module has been run under its own name."""


def stand_in() -> None:
    """Let ``mmcv._ext`` be found where it was not compiled; to be called before mmcv's import.

    Compiled ops go first, unless the environment says ``MMVISX_OPS=python``.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    if os.environ.get(VARIABLE) == 'python':
        sys.meta_path.insert(0, _Finder())
    else:
        sys.meta_path.append(_Finder())


def is_standing_in() -> bool:
    """Whether the ops of this process are those of torch and torchvision."""
    return hasattr(import_module(NAME), 'STANDS_IN')
