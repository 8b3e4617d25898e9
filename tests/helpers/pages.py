"""What the Markdown of the project names: paths, registered types, dotted names."""

import ast
import inspect
import itertools
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mmvisx import registry

ROOT = Path(__file__).resolve().parents[2]
# Where the paths of the pages begin; others begin in a folder that stands before them.
BASES = ('', 'configs', 'tests', 'mmvisx', 'configs/*')
TOP = ('benchmarks/', 'configs/', 'demo/', 'docs/', 'mmvisx/', 'tests/', 'tools/')
SUFFIXES = ('.py', '.json', '.md', '.sh', '.toml', '.txt', '.cfg', '.yaml')
# What a reader has of his own or gets by a command.
READERS = re.compile(
    r'(work_dirs|data|outputs|photos|seed_\d|\.venv|epoch_|elephant\.json|inst|mine|dist/)'
)


def words(text: str) -> Iterator[list[tuple[str, bool]]]:
    """Yield the inline code of each line, and each line of a block of code, as words.

    Each comes with whether it stands alone, not in a command.
    """
    for number, block in enumerate(re.split(r'(?m)^ *```.*$', text)):
        for line in block.splitlines():
            spans = [line] if number % 2 else re.findall(r'`([^`]+)`', line)
            parts = [span.split() for span in spans]
            yield [(word, len(p) == 1 and not number % 2) for p in parts for word in p]


def unbrace(pattern: str) -> list[str]:
    """``a{b,c}d`` -> ``abd``, ``acd``; what stands for any name, ``{method}``, becomes ``*``."""
    pattern = re.sub(r'\{[a-z]+\}', '*', pattern)
    parts = [part.split(',') for part in re.split(r'\{([^{}]*)\}', pattern)]
    return [''.join(choice) for choice in itertools.product(*parts)]


def find(pattern: str, folders: list[str]) -> list[Path]:
    """Return what a pattern matches below the first base where it matches anything."""
    for base in (*BASES, *folders):
        found = sorted(ROOT.glob(f'{base}/{pattern.rstrip("/")}'.lstrip('/')))
        if found:
            return found
    return []


def is_path(word: str, alone: bool) -> bool:
    """Whether a word of the code is a path of the project."""
    if '://' in word or '=' in word or word[0] == '*' or READERS.match(word):
        return False
    return word.startswith(TOP) or (alone and ('/' in word or word.endswith(SUFFIXES)))


def paths_of(text: str) -> Iterator[tuple[str, list[Path]]]:
    """Yield each path that a text names, without its braces, and what is there."""
    for line in words(text):
        folders: list[str] = []
        for word, alone in line:
            if not is_path(word, alone):
                continue
            word, _, function = word.rstrip(',:').partition('::')
            for pattern in unbrace(word):
                found = find(pattern, folders)
                if found:
                    folder = found[0] if found[0].is_dir() else found[0].parent
                    folders.insert(0, folder.relative_to(ROOT).as_posix())
                if found and function and f'def {function}(' not in found[0].read_text():
                    yield f'{word}::{function}', []
                else:
                    yield pattern, found


@cache
def own_types() -> dict[str, Any]:
    """The types that the package registers, by their names."""
    import_module('mmvisx.apis')  # registries look below it, but import no name of it
    found: dict[str, Any] = {}
    for name in registry.__all__:
        own = getattr(registry, name)
        own.import_from_location()
        found |= own.module_dict
    return found


@cache
def all_types() -> set[str]:
    """The names of the types of the package and of the libraries that they are added to."""
    import mmdet.utils
    import mmpretrain.utils
    import mmseg.utils

    for library in (mmdet, mmseg, mmpretrain):
        library.utils.register_all_modules(init_default_scope=False)
    names = set(own_types())
    for name in registry.__all__:
        root = getattr(registry, name).parent
        if root is not None:
            for other in (root, *root.children.values()):
                names |= set(other.module_dict)
    return names


@cache
def defined() -> set[str]:
    """The names of the classes and functions of the package and of the test functions."""
    files = [*ROOT.glob('mmvisx/**/*.py'), *ROOT.glob('tests/**/test_*.py')]
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {
        node.name
        for file in files
        for node in ast.parse(file.read_text()).body
        if isinstance(node, kinds)
    }


def dotted_names(text: str) -> set[str]:
    """Return ``mmvisx.Name`` and ``mmvisx.module.name`` in a text, code or not."""
    return set(re.findall(r'(?<![\w/.-])mmvisx\.[\w.]*\w', text)) - {'mmvisx.Name'}


def lookup(name: str) -> Any:
    """Return the type or object of a dotted name, ``None`` where there is none."""
    if re.fullmatch(r'mmvisx\.[A-Z]\w*', name):
        return own_types().get(name.removeprefix('mmvisx.'))
    parts = name.split('.')
    for length in range(len(parts), 0, -1):
        try:
            found = import_module('.'.join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute, None)
        return found
    return None


def file_of(thing: Any) -> str:
    """Return the file in which a type, function or module is written, from the root on."""
    module = thing if inspect.ismodule(thing) else sys.modules[thing.__module__]
    return Path(str(module.__file__)).relative_to(ROOT).as_posix()
