"""Run a series of trainings, and write down what they gave."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from mmvisx.analysis.training_curves import read_curves
from mmvisx.engine.checkpoints import set_aside
from mmvisx.utils.files import write_json, write_text
from mmvisx.utils.machine import describe_machine

from .run import prepare_config
from .series import Row, Series
from .series_screen import SeriesScreen
from .series_table import make_table

__all__ = ['run_series']

RESULT = 'result.json'
LOG = 'output.txt'
SEED = '{seed}'
TRAIN = (sys.executable, '-m', 'mmvisx.cli', 'train')


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
        folder = work_dir / row.folder / f'seed_{seed}'
        with screen.running(f'{row.name}, seed {seed}', folder / LOG):
            entry.update(_train(folder, configs[index], train_command))
        results[index] = entry
        return index

    work_dir.mkdir(parents=True, exist_ok=True)
    screen = SeriesScreen(len(plan), series.metrics)
    with ThreadPoolExecutor(jobs) as pool, screen:
        for future in as_completed([pool.submit(one, index) for index in range(len(plan))]):
            finished = [results[index] for index in sorted(results)]
            _write_results(series, [*earlier, *finished], work_dir)
            screen.finished(results[future.result()])
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
        # What is of the former config goes first: with the new one, a run resumes.
        set_aside(folder)
        for stale in folder.glob('*/vis_data/scalars.json'):
            stale.unlink()
        write_text(config_file, config)
    start = time.monotonic()
    with (folder / LOG).open('a', encoding='utf-8') as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode
    if code != 0:
        return dict(error=f'exit code {code}, see {folder / LOG}')
    metrics = {key: values[-1] for key, (_, values) in read_curves(folder).items()}
    result = dict(metrics=metrics, seconds=round(time.monotonic() - start, 1))
    write_json(folder / RESULT, dict(result, config_sha256=_digest(config)))
    return result


def _write_results(series: Series, results: Sequence[dict[str, Any]], work_dir: Path) -> None:
    """Write ``results.json`` and ``table.md``."""
    shown = [
        dict(r, metrics={k: r['metrics'].get(k) for k in series.metrics}) if 'metrics' in r else r
        for r in results
    ]
    data = dict(machine=describe_machine(), metrics=series.metrics, runs=shown)
    write_json(work_dir / 'results.json', data, indent=1)
    write_text(work_dir / 'table.md', make_table(series, results))
