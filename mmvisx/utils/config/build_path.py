"""Where in a config the things stand whose building failed, read from the traceback."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any

from mmengine.config import Config

from .options import walk


@dataclass(frozen=True)
class Step:
    """A function that was running when the error was raised.

    Attributes:
        frame: Its variables.
        text: The lines of the statement it was at.
    """

    frame: FrameType
    text: str


@dataclass(frozen=True)
class Built:
    """A part of the config that was being built.

    Attributes:
        paths: Places in the config that it can have come from, dotted; several where the config
            says the same in several places, ``('',)`` for the whole config.
        steps: What ran to build it, outermost first.
    """

    paths: tuple[str, ...]
    steps: list[Step]


def build_path(cfg: Config, trace: TracebackType | None) -> list[Built]:
    """Return the parts of ``cfg`` that were being built, outermost first.

    A function builds if its name says so (``build...`` and few others) and its first argument is
    a dict, as in MMEngine's registries and runner and in MMCV's layers. The dict is found in the
    config by its content, because libraries hand copies on, and below the part around it.
    """
    parts: list[Built] = []
    summaries = traceback.extract_tb(trace)
    for (frame, _), summary in zip(traceback.walk_tb(trace), summaries, strict=True):
        node = _built_dict(frame)
        if node is not None:
            paths = _places(cfg, node, parts[-1].paths if parts else ('',))
            if paths and not (parts and paths == parts[-1].paths):
                parts.append(Built(paths, []))
            continue
        if parts:
            parts[-1].steps.append(Step(frame, _statement(frame, summary)))
    return parts


def _built_dict(frame: FrameType) -> Any:
    """Return the dict that the function of ``frame`` builds from, None if it builds nothing."""
    code = frame.f_code
    names = [n for n in code.co_varnames[: code.co_argcount] if n not in ('self', 'cls')]
    if code.co_name == 'set_randomness':  # of the runner, which spreads the dict out
        return {name: frame.f_locals.get(name) for name in names}
    if not names or not code.co_name.startswith(('build', 'from_cfg', 'setup_env')):
        return None
    value = frame.f_locals.get(names[0])
    return value if isinstance(value, dict | Config) else None


def _statement(frame: FrameType, summary: traceback.FrameSummary) -> str:
    try:
        lines, first = inspect.getsourcelines(frame.f_code)
    except OSError:
        return ''
    first = max(first, 1)  # 0 for a module
    start = (summary.lineno or first) - first
    end = (getattr(summary, 'end_lineno', None) or summary.lineno or first) - first
    return ''.join(lines[start : end + 1])


def _places(cfg: Config, node: Any, around: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(node, Config):
        return ('',)
    found = list(_alike(cfg, node))
    below = [(p, score) for p, score in found if any(_is_below(p, a) for a in around)]
    candidates = below or [(p, score) for p, score in found if score == 1]
    best = max((score for _, score in candidates), default=0)
    return tuple(path for path, score in candidates if score == best)


def _is_below(path: str, above: str) -> bool:
    return not above or f'{path}.'.startswith(f'{above}.')


def _alike(cfg: Config, node: dict) -> Iterator[tuple[str, float]]:
    """Yield the paths of dicts that ``node`` may come from, and which part of them is in it."""
    for path, item in walk(cfg._cfg_dict):
        if not isinstance(item, dict) or not item or item.get('type') != node.get('type'):
            continue
        same = sum(key in node and _equal(node[key], value) for key, value in item.items())
        # Without a type, only what is there completely says where it comes from.
        if same == len(item) or 'type' in node:
            yield path, same / len(item)


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (ValueError, RuntimeError):  # arrays
        return False


def same_value(frame: FrameType, name: str, value: Any) -> bool:
    """Whether the variable ``name`` of a frame, or that of its ``self``, has this value."""
    own = getattr(frame.f_locals.get('self'), '__dict__', {})
    return any(name in names and _equal(names[name], value) for names in (frame.f_locals, own))
