"""Say on the screen what a run does, how far it is and what it has reached."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import IterBasedTrainLoop, Runner, find_latest_checkpoint
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from mmvisx.engine.summary import data_of, length_of, model_of, shown_path, weights_of
from mmvisx.utils.metric_table import class_table, headline, metric_table
from mmvisx.utils.screen import Screen

__all__ = ['ProgressHook']

REFRESH = 0.5  # seconds between two states of the line on a terminal
PAUSE = 10.0  # seconds at least between two lines of an evaluation where there is no terminal
MOST_CLASSES = 30  # that a test lists


class ProgressHook(Hook):
    """Show a run: what it is about, one line that moves, a table for each evaluation.

    On a terminal the line is written again in its place. Elsewhere there is a line each time that
    ``LoggerHook`` logs one of the training, and every ten seconds in an evaluation.

    :class:`mmvisx.engine.runner.CheckedRunner` adds it in the first process of a command with a
    :func:`mmvisx.utils.screen.quiet_screen`. It reads what others have logged, and keeps nothing.

    Args:
        screen: Where it is shown.
    """

    priority = 'LOWEST'

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.metrics = ''  # of the last evaluation
        self._drawn = 0.0  # when the line was shown last, in seconds
        self._train: TaskID | None = None

    def introduce(self, runner: Runner) -> None:
        """Name the network; reading the data comes next, and may take a while."""
        self.screen.rows({'model': model_of(runner)})

    def before_train(self, runner: Any) -> None:
        """Say what is trained on what, and where it is written."""
        rows = {'data': data_of(runner.train_dataloader)}
        if runner.val_loop is not None:
            rows['val data'] = data_of(runner.val_dataloader)
        rows['length'] = length_of(runner)
        rows['weights'] = weights_of(runner, runner.loaded_from)
        rows['output'] = f'{shown_path(runner.work_dir)} (log: {_log_file(runner)})'
        self.screen.rows(rows)
        self._started = time.monotonic()
        self._begin(runner)
        self._train = self._bar.add_task(
            '', total=runner.max_iters, completed=runner.iter, left='', note=''
        )

    def before_test(self, runner: Any) -> None:
        """Say what is tested on what."""
        rows = {'data': data_of(runner.test_dataloader)}
        if runner.loaded_from is not None:
            rows['weights'] = weights_of(runner, runner.loaded_from)
        rows['output'] = f'{shown_path(runner.log_dir)} (log: {_log_file(runner)})'
        self.screen.rows(rows)
        self._begin(runner)

    def _begin(self, runner: Runner) -> None:
        if hasattr(self, '_bar'):
            return
        self._interval = next((h.interval for h in runner.hooks if isinstance(h, LoggerHook)), 10)
        # Drawn by the process itself, as often as it comes by: a thread would take time from it,
        # and could hold a lock while a data loader forks.
        self._bar = Progress(
            TextColumn('{task.description}', markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn('{task.fields[left]}', markup=False),
            TextColumn('{task.fields[note]}', markup=False),
            console=self.screen.console,
            auto_refresh=False,
            transient=True,
            disable=not self.screen.live,
        )
        self.screen.open.enter_context(self._bar)

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Show epoch, iteration, time left, loss and the last metrics."""
        last = batch_idx + 1 == len(runner.train_dataloader)
        if self.screen.live:
            if not self._is_time(REFRESH):
                return
        elif not (last or self.every_n_inner_iters(batch_idx, self._interval)):
            return
        by_epoch = not isinstance(runner.train_loop, IterBasedTrainLoop)
        name = f'epoch {runner.epoch + 1}/{runner.max_epochs}' if by_epoch else 'training'
        note = [_loss(runner), self.metrics]
        left = _time_left(runner)
        if self.screen.live and self._train is not None:
            self._bar.update(
                self._train, description=name, completed=runner.iter + 1, left=left,
                note='  '.join(filter(None, note)), refresh=True,
            )  # fmt: skip
            return
        done, total = runner.iter + 1, runner.max_iters
        if by_epoch:
            done, total = batch_idx + 1, len(runner.train_dataloader)
        texts = [name if by_epoch else '', f'iteration {done}/{total}', *note, left]
        self.screen.say(', '.join(filter(None, texts)))

    def before_val_epoch(self, runner: Any) -> None:
        """Let the line show the evaluation."""
        self._begin(runner)  # if there is no training around it
        self._evaluate('validation', len(runner.val_dataloader))

    def before_test_epoch(self, runner: Any) -> None:
        """Let the line show the test."""
        self._evaluate('test', len(runner.test_dataloader))

    def _evaluate(self, name: str, total: int) -> None:
        self._drawn = self._pass_started = time.monotonic()
        self._pass_total = total
        if self._train is not None:
            self._bar.update(self._train, visible=False)
        self._pass = self._bar.add_task(name, total=total, left='', note='')
        self._bar.refresh()

    def after_val_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Show how far the validation is."""
        self._after_batch(runner, 'validation', batch_idx)

    def after_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Show how far the test is."""
        self._after_batch(runner, 'test', batch_idx)

    def _after_batch(self, runner: Any, name: str, batch_idx: int) -> None:
        done, total = batch_idx + 1, self._pass_total
        left = _time_left(runner) if done < total else 'metrics are being computed'
        if self.screen.live:
            if done == total or self._is_time(REFRESH):
                self._bar.update(self._pass, completed=done, left=left, refresh=True)
        elif self._is_time(PAUSE):
            self.screen.say(f'{name}, batch {done}/{total}, {left}')

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """Show the metrics of a validation."""
        metrics, classes = metrics or {}, _classes(runner.val_dataloader)
        self.metrics = headline(metrics, classes)
        place = ''
        if self._train is not None:
            by_epoch = not isinstance(runner.train_loop, IterBasedTrainLoop)
            place = f' after epoch {runner.epoch}' if by_epoch else f' at iteration {runner.iter}'
        self._show(f'validation{place}', runner.val_dataloader, metrics)
        if self._train is not None:
            self._bar.update(self._train, visible=True)

    def after_test_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """Show the metrics of a test, those of the classes, too."""
        metrics, classes = metrics or {}, _classes(runner.test_dataloader)
        self._show('test', runner.test_dataloader, metrics)
        table = class_table(metrics, classes)
        if table is not None and len(classes) <= MOST_CLASSES:
            self.screen.show(table)
        self._bar.stop()

    def _show(self, name: str, loader: Any, metrics: Mapping[str, Any]) -> None:
        seconds = time.monotonic() - self._pass_started
        self._bar.remove_task(self._pass)
        self._bar.refresh()
        self.screen.say(f'{name}: {len(loader.dataset):,} images in {_clock(seconds)}')
        if metrics:
            self.screen.show(metric_table(metrics, _classes(loader)))

    def after_train(self, runner: Any) -> None:
        """Say how long it took, and where the weights are."""
        self._bar.stop()
        stopped = getattr(runner.train_loop, 'stop_training', False)
        end = f'stopped early, after iteration {runner.iter}' if stopped else 'done'
        self.screen.say(f'{end}, in {_clock(time.monotonic() - self._started)}')
        if (Path(runner.work_dir) / 'last_checkpoint').is_file():
            latest = find_latest_checkpoint(runner.work_dir)
            self.screen.say(f'checkpoint: {shown_path(str(latest))}')

    def _is_time(self, pause: float) -> bool:
        now = time.monotonic()
        if now - self._drawn < pause:
            return False
        self._drawn = now
        return True


def _classes(loader: Any) -> list[str]:
    return [str(name) for name in getattr(loader.dataset, 'metainfo', {}).get('classes') or ()]


def _log_file(runner: Any) -> str:
    return shown_path(Path(runner.log_dir) / f'{runner.timestamp}.log')


def _loss(runner: Any) -> str:
    """Return the mean over what the log takes the mean over."""
    history = runner.message_hub.log_scalars.get('train/loss')
    if history is None:
        return ''
    return f'loss {history.mean(runner.log_processor.window_size):.4g}'


def _time_left(runner: Any) -> str:
    """Return what ``IterTimerHook`` expects, of the training without its validations."""
    seconds = runner.message_hub.runtime_info.get('eta')
    return f'{_clock(seconds)} left' if seconds else ''


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
