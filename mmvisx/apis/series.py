"""A series of trainings: every row with every seed, tables of mean, spread and differences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvisx.utils.config import load_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar


@dataclass(frozen=True)
class Row:
    """A recipe of a series, and what differs from its config."""

    name: str
    config: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The name as a folder's."""
        return re.sub(r'[^a-z0-9]+', '_', self.name.lower()).strip('_')


@dataclass(frozen=True)
class Series:
    """Rows that are compared with each other, and the metrics that the table shows.

    Attributes:
        rows: The recipes.
        metrics: Key of the log -> heading.
        pairs: Rows whose difference, seed by seed, gets a line in a second table: the first
            minus the second.
    """

    rows: tuple[Row, ...]
    metrics: dict[str, str]
    pairs: tuple[tuple[str, str], ...] = ()

    def select(self, names: Sequence[str] | None) -> Series:
        """Return the series with the named rows only.

        Raises:
            UserError: there is no such row.
        """
        known = [row.name for row in self.rows]
        for name in names or ():
            if name not in known:
                raise UserError(
                    f'the series has no row {name!r}{similar(name, known)}; rows: '
                    + ', '.join(map(repr, known))
                )
        rows = tuple(row for row in self.rows if not names or row.name in names)
        kept = {row.name for row in rows}
        return Series(rows, self.metrics, tuple(p for p in self.pairs if kept.issuperset(p)))


def load_series(path: str | Path) -> Series:
    """Read a series: a Python config with ``rows`` and ``metrics``.

    ``rows`` is ``{name: dict(config=..., options={key: value})}``, ``metrics``
    ``{key of the validation log: heading}``; ``options`` (also at the top level, for all
    rows) are those of ``--cfg-options``, where ``{seed}`` in a string stands for the run's
    seed (the weights that an earlier series left, for example). ``baseline``, the name of a
    row, compares every other row with it seed by seed; ``pairs``, a list of two names each,
    adds further comparisons.

    Raises:
        UserError: the file does not evaluate, a part is missing or unknown, or two names
            lead to the same folder.
    """
    cfg = load_config(path).to_dict()
    for key in ('rows', 'metrics'):
        if not isinstance(cfg.get(key), dict) or not cfg[key]:
            raise UserError(f'{path} needs {key} = {{...}} with at least one entry')
    rows = []
    for name, entry in cfg['rows'].items():
        unknown = set(entry) - {'config', 'options'}
        if unknown or 'config' not in entry:
            raise UserError(
                f'{path}: row {name!r} has the keys {sorted(entry)}; it takes config and options'
            )
        options = {**cfg.get('options', {}), **entry.get('options', {})}
        rows.append(Row(name, entry['config'], options))
    folders: dict[str, str] = {}
    for row in rows:
        other = folders.setdefault(row.folder, row.name)
        if not row.folder or other != row.name:
            raise UserError(
                f'{path}: row {row.name!r} would go into the folder {row.folder!r}'
                + (f', as {other!r} does' if other != row.name else '')
                + '; names differ in letters and digits'
            )
    return Series(tuple(rows), cfg['metrics'], _read_pairs(path, cfg, rows))


def _read_pairs(
    path: str | Path, cfg: dict[str, Any], rows: Sequence[Row]
) -> tuple[tuple[str, str], ...]:
    """Return the comparisons that ``baseline`` and ``pairs`` of a series ask for."""
    names = [row.name for row in rows]
    pairs = [tuple(pair) for pair in cfg.get('pairs', [])]
    if (baseline := cfg.get('baseline')) is not None:
        if baseline not in names:
            raise UserError(f'{path}: baseline={baseline!r} is no row{similar(baseline, names)}')
        pairs = [(name, baseline) for name in names if name != baseline] + pairs
    for pair in pairs:
        if len(pair) != 2 or not set(pair) <= set(names):
            raise UserError(f'{path}: the pair {pair!r} should name two of the rows {names}')
    return tuple(pairs)
