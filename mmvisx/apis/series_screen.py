"""How far the trainings of a series are, on the screen."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.live import Live
from rich.table import Table

from mmvisx.utils.screen import plain_console

__all__ = ['SeriesScreen']

LAST = 4096  # bytes of a training's output that are looked at


class SeriesScreen:
    """A line for each run that is finished and, on a terminal, one that moves for each that runs.

    The latter is the last line of what the training itself has said. Everything goes to the error
    output: the table of results is the output.

    Args:
        total: Number of runs.
        metrics: Keys of the metrics to show of a finished one.
    """

    def __init__(self, total: int, metrics: Iterable[str]) -> None:
        self.total, self.metrics = total, list(metrics)
        self.done = 0
        self.console = plain_console(stderr=True)
        self._outputs: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._live = Live(
            console=self.console,
            get_renderable=self._render,
            refresh_per_second=1,
            transient=True,
        )

    def __enter__(self) -> None:
        if self.console.is_interactive:
            self._live.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: Any, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @contextmanager
    def running(self, name: str, output: Path) -> Iterator[None]:
        """Show a run as long as it lasts.

        Args:
            name: Of the run.
            output: File that its training prints into.
        """
        with self._lock:
            self._outputs[name] = output
        try:
            yield
        finally:
            with self._lock:
                del self._outputs[name]

    def finished(self, result: Mapping[str, Any]) -> None:
        """Print what a run gave."""
        self.done += 1
        name = f'[{self.done}/{self.total}] {result["row"]}, seed {result["seed"]}'
        if 'error' in result:
            self._say(f'{name}: failed, {result["error"]}')
            return
        found = {key: result['metrics'].get(key) for key in self.metrics}
        shown = [f'{key} {value:.4g}' for key, value in found.items() if value is not None]
        shown.append(f'in {timedelta(seconds=round(result["seconds"]))}')
        self._say(f'{name}: {", ".join(shown)}')

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def _render(self) -> Table:
        with self._lock:
            running = list(self._outputs.items())
        table = Table.grid(padding=(0, 2))
        for _ in range(2):
            table.add_column(no_wrap=True)
        for name, output in running:
            table.add_row(name, last_line(output))
        return table


def last_line(path: Path) -> str:
    """Return the last whole line of a file that is being written, '' if there is none."""
    try:
        with path.open('rb') as file:
            file.seek(max(0, path.stat().st_size - LAST))
            text = file.read().decode('utf-8', 'replace')
    except OSError:
        return ''
    lines = [line for line in text.split('\n')[:-1] if line.strip()]
    return lines[-1].strip() if lines else ''
