"""Read PyTorch files without running anything that they bring along.

A pickle is a program: it names functions and classes, which reading it imports and calls. PyTorch's
``weights_only`` reader knows tensors, numbers, texts and their containers and refuses every other
name. Here each other name means an empty class of ours, a *stand-in*, that notes what it is given
and does nothing. So the tensors of files with foreign objects come out, too.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import warnings
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import torch

__all__ = ['StandIn', 'class_names', 'history', 'load_inert', 'real_values']

# The last of the pickles in a file of PyTorch before 1.6: magic number, version, system, content.
_LEGACY_PICKLES = 4
# What every file has, and PyTorch's reader knows.
_TENSORS = re.compile(
    r'torch\._utils\._rebuild_\w+|torch\.\w+Storage|collections\.OrderedDict|_codecs\.encode'
)
_NUMBER = re.compile(r'[biuf][1248]')


class StandIn:
    """What stands for an object of a foreign class.

    Attributes:
        origin: Full name of the class or function.
        used: Gets the names of those that were called.
        args: What it was called with.
        state: What it was to be restored from, ``None`` if nothing.
    """

    origin = ''
    used: ClassVar[set[str]] = set()
    args: Any = ()
    state: Any = None

    def __new__(cls, *args: Any) -> Any:
        """Note the arguments."""
        cls.used.add(cls.origin)
        self = super().__new__(cls)
        self.args = args
        return self

    def __setstate__(self, state: Any) -> None:
        """Note the state."""
        self.state = state

    def __reduce__(self) -> Any:
        """Be pickled as text: MMEngine compares what data sets say of themselves like that."""
        return str, (repr(self),)

    def __repr__(self) -> str:
        return f'<stand-in of {self.origin}>'


class _MappingStandIn(StandIn):
    """Of a class of dicts: PyTorch's reader fills none but its own, so it gives one of those."""

    def __new__(cls, *args: Any) -> Any:
        cls.used.add(cls.origin)
        return OrderedDict(*(arg for arg in args[:1] if isinstance(arg, dict)))


def load_inert(path: str | Path | IO[bytes], map_location: Any = 'cpu') -> tuple[Any, list[str]]:
    """Read a file of ``torch.save`` with stand-ins for whatever is no plain data.

    Numbers and arrays of NumPy come out as such.

    Returns:
        The content, and the names that something stands in for.

    Raises:
        pickle.UnpicklingError: It cannot be read without running it: objects in a notation that
            PyTorch's reader does not know, PyTorch's format before 0.1.11 (tar), functions of
            the operating system.
        RuntimeError: and others: it is damaged, or no such file.
    """
    try:
        return _load(path, map_location), []
    except pickle.UnpicklingError:
        with _stand_ins(class_names(path)) as used:
            content = _load(path, map_location)
    return real_values(content), sorted(used)


def _load(path: str | Path | IO[bytes], map_location: Any) -> Any:
    if not isinstance(path, str | Path):
        path.seek(0)
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Detected pickle protocol')  # the error says it
        return torch.load(path, map_location, weights_only=True)


@contextmanager
def _stand_ins(names: list[str]) -> Iterator[set[str]]:
    made: list[Any] = []
    used: set[str] = set()
    for name in names:
        module, _, qualname = name.rpartition('.')
        base = _MappingStandIn if qualname.lower().endswith('dict') else StandIn
        place = {'origin': name, 'used': used, '__module__': module, '__qualname__': qualname}
        made.append(type(qualname, (base,), place))
    with torch.serialization.safe_globals(made):
        yield used


def class_names(path: str | Path | IO[bytes]) -> list[str]:
    """Return the names of the classes and functions that a file of ``torch.save`` mentions.

    Those of tensors and their dicts are left out. Nothing is executed. What cannot be taken
    apart ends the list.
    """
    names: dict[str, None] = {}
    opened: Any = open(path, 'rb') if isinstance(path, str | Path) else nullcontext(path)  # noqa: SIM115
    with opened as file:
        try:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    (record,) = [n for n in archive.namelist() if f'/{n}'.endswith('/data.pkl')]
                    with archive.open(record) as content:
                        names.update(_names(content))
            else:
                file.seek(0)
                for _ in range(_LEGACY_PICKLES):
                    names.update(_names(file))
        except (ValueError, zipfile.BadZipFile, OSError):
            pass
    return [name for name in names if not _TENSORS.fullmatch(name)]


def _names(file: IO[bytes]) -> dict[str, None]:
    names: dict[str, None] = {}
    texts = ['', '']
    for operation, argument, _ in pickletools.genops(file):
        if operation.name == 'GLOBAL':
            module, name = str(argument).split(' ', 1)
        elif operation.name == 'STACK_GLOBAL':  # protocol 4: the two texts before
            module, name = texts
        else:
            if isinstance(argument, str):
                texts = [texts[1], argument]
            continue
        module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        names[f'{module}.{name}'] = None
    return names


def real_values(content: Any) -> Any:
    """Return a content with the values of known stand-ins in their places.

    These are NumPy's numbers and arrays, and MMEngine's histories of the log, which become dicts
    (:func:`history`). Dicts and lists are changed in place.
    """
    return _Walk()(content)


def history(log: np.ndarray, count: np.ndarray, max_length: int) -> dict[str, Any]:
    """Return the plain data of a history of the log, whose fields have these names.

    In tensors: a list of a million numbers takes PyTorch's reader two seconds.

    Args:
        log: Values, ``(N,)``.
        count: How many each is the sum of, ``(N,)``.
        max_length: How many values are kept.
    """
    return {
        'log_history': torch.from_numpy(log),
        'count_history': torch.from_numpy(count),
        'max_length': max_length,
    }


class _Walk:
    """Each object once, whatever refers to it: a hostile file could refer to itself."""

    def __init__(self) -> None:
        self.done: dict[int, tuple[Any, Any]] = {}  # before and after, by id; kept, so ids stay

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict | list | tuple | StandIn):
            return value
        if id(value) not in self.done:
            self.done[id(value)] = value, value
            self.done[id(value)] = value, self._changed(value)
        return self.done[id(value)][1]

    def _changed(self, value: Any) -> Any:
        if isinstance(value, dict):
            value.update({key: self(item) for key, item in value.items()})
        elif isinstance(value, list):
            value[:] = [self(item) for item in value]
        elif type(value) is tuple:
            return tuple(self(item) for item in value)
        elif isinstance(value, StandIn):
            value.args, value.state = self(value.args), self(value.state)
            return _known(value)
        return value


def _known(item: StandIn) -> Any:
    """Return what a stand-in of a known class stands for, and others as they are."""
    module, _, name = item.origin.rpartition('.')
    try:
        if name == 'HistoryBuffer':
            state = item.state
            return history(state['_log_history'], state['_count_history'], state['max_length'])
        if module not in ('numpy', 'numpy.core.multiarray', 'numpy._core.multiarray'):
            return item
        if name == 'dtype' and _NUMBER.fullmatch(item.args[0]):
            return np.dtype(item.args[0]).newbyteorder(item.state[1])
        if name == 'scalar' and isinstance(item.args[0], np.dtype):
            return np.frombuffer(item.args[1], item.args[0])[0].item()
        if name == '_reconstruct' and isinstance(item.state[2], np.dtype):
            _, shape, kind, by_column, data = item.state
            return np.frombuffer(data, kind).reshape(shape, order='F' if by_column else 'C').copy()
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        pass  # a hostile or unknown description: it stays what it is
    return item
