"""Checkpoints of which the old one goes last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.runner import Runner

from mmvisx.engine.checkpoints import point_to
from mmvisx.registry import HOOKS

__all__ = ['CheckpointHook']


@HOOKS.register_module()
class CheckpointHook(MMEngineCheckpointHook):
    """MMEngine's, with another order: write the new checkpoint, then its name, then delete.

    A process that dies in between leaves one checkpoint too many, never none. That one is deleted
    when the run goes on. :class:`mmvisx.engine.runner.CheckedRunner` takes this hook wherever a
    config says ``CheckpointHook``. Arguments are those of MMEngine's hook.
    """

    file_backend: Any
    keep_ckpt_ids: deque[int]

    def folder_of(self, runner: Runner) -> str:
        """Return where a training will have its checkpoints, before it has begun."""
        if self.out_dir in (None, runner.work_dir):
            return str(runner.work_dir)
        return str(Path(self.out_dir) / Path(runner.work_dir).name)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        old = self._outdated(runner, step)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            point_to(runner.work_dir, str(self.last_ckpt))
            for number in old:
                self._remove(
                    self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(number))
                )
        if old:
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))

    def _outdated(self, runner: Runner, step: int) -> list[int]:
        """Return the numbers of the checkpoints that go when that of ``step`` is there.

        The new checkpoint still lists them, so that MMEngine's ``before_train`` deletes them if
        the process dies before it is done.
        """
        if self.max_keep_ckpts <= 0 or step in self.keep_ckpt_ids:
            return []
        numbers = [*self.keep_ckpt_ids, step]
        runner.message_hub.update_info('keep_ckpt_ids', numbers)
        self.keep_ckpt_ids = deque(numbers, self.max_keep_ckpts)  # holds the last ones
        return numbers[: -self.max_keep_ckpts]

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._deleting_last():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _deleting_last(self) -> Iterator[None]:
        """Do what the block deletes when it has ended without an error."""
        backend = self.file_backend
        self.file_backend = waiting = _Waiting(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        best = {
            getattr(self, 'best_ckpt_path', None),
            *getattr(self, 'best_ckpt_path_dict', {}).values(),
        }
        for path in waiting.paths:
            if path not in best:  # which a repeated validation has just written again
                self._remove(path)

    def _remove(self, path: str) -> None:
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)


class _Waiting:
    """A file backend that notes what it shall delete."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.paths: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        """Note it."""
        self.paths.append(path)
