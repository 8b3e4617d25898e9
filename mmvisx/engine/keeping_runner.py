"""MMEngine's runner, which keeps what it has written: :class:`CheckedRunner` stands on it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from torch import nn

import mmvisx.utils.file_backend  # noqa: F401 - takes the place of MMEngine's
from mmvisx.engine.checkpoints import newest_intact, on_main, point_to, set_aside, streaming
from mmvisx.engine.hooks.checkpoint import CheckpointHook
from mmvisx.engine.log_files import say_once_when_full, with_room
from mmvisx.utils.files import explaining, remove_leftovers, write_text
from mmvisx.utils.run_lock import check_writable, only_run

__all__ = ['KeepingRunner']

_PLAIN = ('CheckpointHook', 'mmengine.CheckpointHook', MMEngineCheckpointHook)


class KeepingRunner(Runner):
    """A runner whose checkpoints cannot be lost.

    Files appear whole or not at all, the old checkpoint goes last
    (:class:`~mmvisx.engine.hooks.CheckpointHook`, for every hook that a config calls
    ``CheckpointHook``), ``--resume`` takes the newest checkpoint that is intact, a second training
    in the same work dir is refused, and one that starts anew there moves the checkpoints of the
    former into a folder before it writes its first.

    Raises:
        UserError: the work dir cannot be written to.
    """

    _resume: bool | str  # 'auto': load_from is for the first start only
    _load_from: str | None
    _has_saved = False

    def __init__(self, model: Any, work_dir: str, *args: Any, **kwargs: Any) -> None:
        check_writable(work_dir)
        super().__init__(model, work_dir, *args, **kwargs)

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; a full disk does not stop it."""
        logger = super().build_logger(*args, **kwargs)
        say_once_when_full(logger)
        return logger

    def build_visualizer(self, visualizer: Visualizer | dict | None = None) -> Visualizer:
        """Build the visualizer, whose JSON log says when there is no room for it."""
        if not isinstance(visualizer, Visualizer):
            visualizer = with_room(visualizer)
        return super().build_visualizer(visualizer)

    def register_hook(self, hook: Hook | dict, priority: Any = None) -> None:
        """Register a hook; of checkpoint hooks, the one that deletes last."""
        if isinstance(hook, dict) and hook.get('type') in _PLAIN:
            hook = dict(hook, type=CheckpointHook)
        super().register_hook(hook, priority)

    @master_only
    def save_checkpoint(self, out_dir: str, *args: Any, **kwargs: Any) -> None:
        """Write a checkpoint, whole or not at all.

        Raises:
            UserError: it cannot be written.
        """
        if not (self._has_saved or self._resume):
            former = set_aside(out_dir)
            if former is not None:
                self.logger.warning(
                    f'{out_dir} holds checkpoints of a former run, and this one began without '
                    f'--resume: they are in {former} now'
                )
        self._has_saved = True
        with streaming():
            super().save_checkpoint(out_dir, *args, **kwargs)

    def load_or_resume(self) -> None:
        """Load or resume, from the newest intact checkpoint where none is named.

        With ``resume='auto'`` the checkpoint of ``load_from`` is loaded where there is none to
        go on from; with ``resume=True`` it is what to go on from, as in MMEngine.

        Raises:
            UserError: none of the work dir's checkpoints is intact.
        """
        searches = self._resume == 'auto' or (self._resume and self._load_from is None)
        if searches and not self._has_loaded:
            folders = [h.folder_of(self) for h in self.hooks if isinstance(h, CheckpointHook)]
            choice = on_main(newest_intact, self.work_dir, folders)
            if choice.path is None:
                start = f'load_from={self._load_from}' if self._load_from else 'scratch'
                self.logger.warning(
                    f'--resume: no checkpoint in {self.work_dir}, training starts from {start}'
                )
                self._resume = False
            else:
                say = self.logger.warning if choice.notes else self.logger.info
                say(str(choice))
                on_main(point_to, self.work_dir, choice.path)
                self._load_from = str(choice.path)
        super().load_or_resume()

    @master_only
    def write_config(self, folder: str | Path) -> None:
        """Write the config into a folder, under its own name.

        Raises:
            UserError: it cannot be written.
        """
        name = Path(self.cfg.filename).name if self.cfg.filename else f'{self.timestamp}.py'
        write_text(Path(folder) / name, self.cfg.dump())

    def train(self) -> nn.Module:
        """Train, alone in the work dir.

        Raises:
            UserError: another training is running there.
        """
        with ExitStack() as stack:
            on_main(stack.enter_context, only_run(self.work_dir))
            on_main(remove_leftovers, self.work_dir)
            self.write_config(self.work_dir)
            with explaining(self.work_dir):  # what others write: pictures, notes on weights
                return super().train()
