"""A series of trainings: every row with every seed, tables of mean, spread and differences."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.utils import track_iter_progress

from mmvisx.analysis.training_curves import read_curves
from mmvisx.utils.config import load_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.text import similar

from .run import prepare_config
from .series_table import make_table

RESULT = 'result.json'
LOG = 'output.txt'
SEED = '{seed}'

TRAIN = (sys.executable, '-m', 'mmvisx.cli', 'train')


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


def run_series(
    series: Series,
    work_dir: str | Path,
    seeds: Sequence[int] = (0, 1, 2),
    jobs: int = 1,
    train_command: Sequence[str] = TRAIN,
    only: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Train every row with every seed, each in a process of its own, and return the results.

    A run that is finished is not repeated, one that was cut short is resumed, and one whose
    config has changed since starts anew. All rows of a seed come before the next seed, so
    that an unfinished series is a fair one.

    Args:
        series: the rows.
        work_dir: gets ``{row}/seed_{n}/``, ``results.json`` and ``table.md``, which are
            brought up to date after each run and hold what is finished of all rows, whenever
            it was run.
        seeds: one training each.
        jobs: trainings at a time.
        train_command: What trains; the config and its options are added.
        only: names of the rows to run; all by default.

    Returns:
        One dict a run of this call: ``row``, ``seed``, ``metrics`` (the last value of each key
        of the log), ``seconds``; or ``row``, ``seed`` and ``error``.

    Raises:
        UserError: a config of the series is wrong; nothing has been trained then.
    """
    work_dir = Path(work_dir)
    plan = [(row, seed) for seed in seeds for row in series.select(only).rows]
    configs = [_run_config(row, seed, work_dir) for row, seed in plan]
    earlier = _finished_before(series, work_dir, {(row.name, seed) for row, seed in plan})
    results: dict[int, dict[str, Any]] = {}

    def one(index: int) -> int:
        row, seed = plan[index]
        entry: dict[str, Any] = dict(row=row.name, seed=seed)
        entry.update(_train(work_dir / row.folder / f'seed_{seed}', configs[index], train_command))
        results[index] = entry
        return index

    work_dir.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        done = pool.map(one, range(len(plan)))
        for _ in track_iter_progress((done, len(plan)), file=sys.stderr):
            finished = [results[index] for index in sorted(results)]
            _write_results(series, [*earlier, *finished], work_dir)
    return [results[index] for index in range(len(plan))]


def _finished_before(
    series: Series, work_dir: Path, planned: Collection[tuple[str, int]]
) -> list[dict[str, Any]]:
    """Return the results in ``work_dir`` of runs that are not planned and still hold."""
    found = []
    for row in series.rows:
        for file in sorted(work_dir.glob(f'{row.folder}/seed_*/{RESULT}')):
            seed = int(file.parent.name.removeprefix('seed_'))
            if (row.name, seed) not in planned:
                result = _known_result(file.parent, _run_config(row, seed, work_dir))
                if result is not None:
                    found.append(dict(row=row.name, seed=seed, **result))
    return found


def _known_result(folder: Path, config: str) -> dict[str, Any] | None:
    """Return the result of this config that ``folder`` holds, if any."""
    file = folder / RESULT
    if not file.is_file():
        return None
    known: dict[str, Any] = json.loads(file.read_text(encoding='utf-8'))
    return known if known.pop('config_sha256') == _digest(config) else None


def _digest(config: str) -> str:
    return hashlib.sha256(config.encode()).hexdigest()


def _run_config(row: Row, seed: int, work_dir: Path) -> str:
    """Return the text of a run's config."""
    folder = work_dir / row.folder / f'seed_{seed}'
    cfg = prepare_config(row.config, folder, _fill_seed(row.options, seed))
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    return str(cfg.pretty_text)


def _fill_seed(value: Any, seed: int) -> Any:
    """Return ``value`` with the seed in the place of ``{seed}`` in all strings."""
    if isinstance(value, str):
        return value.replace(SEED, str(seed))
    if isinstance(value, dict):
        return {key: _fill_seed(item, seed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fill_seed(item, seed) for item in value)
    return value


def _train(folder: Path, config: str, train_command: Sequence[str]) -> dict[str, Any]:
    """Train in a process of its own unless ``folder`` holds the result of this config."""
    known = _known_result(folder, config)
    if known is not None:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / 'run.py'
    command = [*train_command, str(config_file), '--work-dir', str(folder)]
    if config_file.is_file() and config_file.read_text(encoding='utf-8') == config:
        command.append('--resume')
    else:
        config_file.write_text(config, encoding='utf-8')
        for stale in [*folder.glob('*/vis_data/scalars.json'), folder / 'last_checkpoint']:
            stale.unlink(missing_ok=True)  # of the former config
    start = time.monotonic()
    with (folder / LOG).open('a', encoding='utf-8') as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode
    if code != 0:
        return dict(error=f'exit code {code}, see {folder / LOG}')
    metrics = {key: values[-1] for key, (_, values) in read_curves(folder).items()}
    result = dict(metrics=metrics, seconds=round(time.monotonic() - start, 1))
    part = folder / f'{RESULT}.part'
    entry = dict(result, config_sha256=_digest(config))
    part.write_text(json.dumps(entry, indent=2), encoding='utf-8')
    os.replace(part, folder / RESULT)
    return result


def _write_results(series: Series, results: Sequence[dict[str, Any]], work_dir: Path) -> None:
    """Write ``results.json`` and ``table.md``."""
    shown = [
        dict(r, metrics={k: r['metrics'].get(k) for k in series.metrics}) if 'metrics' in r else r
        for r in results
    ]
    data = dict(machine=describe_machine(), metrics=series.metrics, runs=shown)
    (work_dir / 'results.json').write_text(json.dumps(data, indent=1) + '\n', encoding='utf-8')
    (work_dir / 'table.md').write_text(make_table(series, results), encoding='utf-8')
