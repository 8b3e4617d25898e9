"""Words for messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ['similar']


def similar(name: str, names: Iterable[str], label: str = 'did you mean') -> str:
    """Return `` (did you mean a, b?)``, or nothing when no name is close."""
    matches = difflib.get_close_matches(name, list(names), n=3, cutoff=0.6)
    return f' ({label} {", ".join(matches)}?)' if matches else ''
