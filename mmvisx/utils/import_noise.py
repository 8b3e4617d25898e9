"""Lines that libraries print and warn while they are imported, and that no user can act on."""

from __future__ import annotations

import builtins
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

__all__ = ['hush_imports']

# mmdet, mmseg and mmpretrain say at level DEBUG, four times in all, that they found no OneDL: data
# on a server of its makers. They name no logger, and MMEngine prints such messages at any level.
PRINTER = 'mmengine.logging.logger'
ONEDL = 'Could not import OneDL'
# mmdet warns of it for a metric that no recipe uses; mmvisx.CocoMetric needs pycocotools only.
FASTER_COCO = 'faster_coco_eval is not installed'


class _Finder(MetaPathFinder):
    """Finds the module that prints, alone."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname == PRINTER else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Run the module with a ``print`` of its own."""
        vars(module)['print'] = _print
        super().exec_module(module)


def _print(*values: Any, **options: Any) -> None:
    """Print, but for the one message."""
    if not str(values[0] if values else '').startswith(ONEDL):
        builtins.print(*values, **options)


def hush_imports() -> None:
    """Keep these lines from the screen; to be called before the libraries' import."""
    warnings.filterwarnings('ignore', FASTER_COCO)
    if PRINTER in sys.modules:
        vars(sys.modules[PRINTER])['print'] = _print
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
