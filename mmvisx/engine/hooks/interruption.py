"""End a training that is told to end so that nothing of it is lost."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as torch_dist
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import CheckpointHook, EMAHook, Hook, RuntimeInfoHook
from mmengine.runner import IterBasedTrainLoop, Runner

from mmvisx.engine.checkpoints import INTERRUPTED, POINTER
from mmvisx.engine.loops import EpochLoop
from mmvisx.utils.files import write_text
from mmvisx.utils.screen import ON_SCREEN
from mmvisx.utils.signals import CaughtSignals

from .loop_state import KeepLoopHook, average_gradients, validation_is_due

__all__ = ['InterruptionHook']

_BY_USER, _BY_SYSTEM = 130, 143  # 128 + SIGINT, 128 + SIGTERM


class InterruptionHook(Hook):
    """At SIGTERM, SIGUSR1 or Ctrl-C: finish the iteration, save a checkpoint and exit.

    The exit code is 130 after Ctrl-C and 143 after the others, so that the script of a job has
    one code to ask for. ``--resume`` goes on from the checkpoint, ``interrupted.pth``, with what
    an uninterrupted run would do next; the next checkpoint removes it. A validation that is cut
    short is begun anew by the resumed run. All processes of a distributed training end after the
    same iteration, that after the one in which the first of them was told.

    Nothing is caught in a thread that is not Python's main one, nor in a loop of one's own that is
    derived neither from MMEngine's ``IterBasedTrainLoop`` nor from
    :class:`mmvisx.engine.loops.EpochLoop`: it could not be resumed inside of an epoch.

    :class:`mmvisx.engine.runner.CheckedRunner` adds the hook, and calls :meth:`release`.
    """

    priority = 'LOWEST'  # the iteration ends with all the others

    def __init__(self) -> None:
        self._signals = CaughtSignals()
        self._watching = False
        self._group: torch_dist.ProcessGroup | None = None
        self._asked: tuple[Any, torch.Tensor] | None = None
        self._batches = 0  # of a validation, that all processes have
        self._saved = False

    def release(self) -> None:
        """Catch signals no longer."""
        self._signals.stop()
        self._watching = False

    def before_train(self, runner: Runner) -> None:
        """Catch signals from here on; do the validation that an interrupted run owes."""
        self._watching = isinstance(runner.train_loop, EpochLoop | IterBasedTrainLoop)
        if self._watching:
            self._signals.start()
            if get_world_size() > 1:
                # In main memory: what a GPU is asked for waits for all that it has to do.
                self._group = torch_dist.new_group(backend='gloo')
        if validation_is_due(runner):
            last = runner.message_hub.get_info('last_ckpt')
            for hook in _hooks(runner, CheckpointHook):
                # A better validation writes itself into the checkpoint from before it.
                hook.last_ckpt = last if last and Path(last).is_file() else None
            runner.logger.info('first the validation that was due at the checkpoint')
            runner.val_loop.run()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """End here, if that is wanted."""
        self._clean_up(runner)
        if self._watching:
            number = self._agreed()
            if number:
                self._end(runner, number, runner.iter + 1, f'iteration {runner.iter + 1}')

    def before_val_epoch(self, runner: Runner) -> None:
        """Count the batches: a process may have one more than another."""
        self._batches = 0
        if self._watching:
            count = torch.tensor([len(runner.val_dataloader)])
            if self._group is not None:
                torch_dist.all_reduce(count, torch_dist.ReduceOp.MIN, self._group)
            self._batches = int(count)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """End here, if that is wanted: with what the model was before the validation."""
        self._batches -= 1
        if self._batches < 0:
            return
        number = self._agreed()
        if number:
            for hook in _hooks(runner, EMAHook):
                if getattr(hook, 'evaluate_on_ema', True):  # mmpretrain's
                    hook._swap_ema_parameters()
            for hook in _hooks(runner, RuntimeInfoHook):
                hook.after_val(runner)
            done = f'iteration {runner.iter}, in the validation, which will be done first'
            self._end(runner, number, runner.iter, done)

    def after_train_epoch(self, runner: Runner) -> None:
        """Clean up after a checkpoint of the epoch."""
        self._clean_up(runner)

    def after_train(self, runner: Runner) -> None:
        """Wait for no answer any longer."""
        if self._asked is not None:
            self._asked[0].wait()
            self._asked = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Remember that a checkpoint is written, which may take the interruption's place."""
        self._saved = True

    def _agreed(self) -> int:
        """Return the signal that all processes end for, 0 for none.

        Several ask each other without waiting for the answer, which is read the next time.
        """
        if self._group is None:
            return self._signals.number
        number = 0
        if self._asked is not None:
            work, answer = self._asked
            work.wait()
            number = int(answer)
        if not number:
            answer = torch.tensor([self._signals.number])
            maximum = torch_dist.ReduceOp.MAX
            self._asked = torch_dist.all_reduce(answer, maximum, self._group, True), answer
        return number

    def _end(self, runner: Runner, number: int, iteration: int, done: str) -> None:
        keeper = next(iter(_hooks(runner, CheckpointHook)), None)
        folder = runner.work_dir if keeper is None else keeper.out_dir
        if self._group is not None:
            average_gradients(runner.model, self._group)
            for hook in _hooks(runner, KeepLoopHook):
                hook.averaged = True
        runner.save_checkpoint(
            folder,
            INTERRUPTED,
            meta=dict(epoch=runner.epoch, iter=iteration),
            backend_args=None if keeper is None else keeper.backend_args,
        )
        path = f'{folder}/{INTERRUPTED}'
        if is_main_process():
            write_text(Path(runner.work_dir) / POINTER, path)
        if self._group is not None:
            # Who ends first has the others killed by what has started them.
            torch_dist.barrier(self._group)
        _stop_workers(runner)
        runner.visualizer.close()
        name = 'Ctrl-C' if number == signal.SIGINT else signal.Signals(number).name
        line = f'{name}: stopped after {done}. Checkpoint: {path}. To go on: {_command()}'
        runner.logger.info(line, extra=ON_SCREEN)
        raise SystemExit(_BY_USER if number == signal.SIGINT else _BY_SYSTEM)

    def _clean_up(self, runner: Runner) -> None:
        """Remove the interruption's checkpoint when there is a later one."""
        if not self._saved:
            return
        self._saved = False
        pointer = Path(runner.work_dir) / POINTER
        if is_main_process() and pointer.is_file():
            latest = Path(pointer.read_text(encoding='utf-8'))
            if latest.name != INTERRUPTED:
                latest.with_name(INTERRUPTED).unlink(missing_ok=True)


def _hooks(runner: Runner, kind: type) -> list[Any]:
    return [hook for hook in runner.hooks if isinstance(hook, kind)]


def _stop_workers(runner: Runner) -> None:
    # At the end of the process, PyTorch would wait for each of them for seconds.
    for loop in (runner.train_loop, runner.val_loop):
        iterator = None if loop is None else loop.dataloader._iterator
        if iterator is not None:
            iterator._shutdown_workers()


def _command() -> str:
    """Return how to resume what the command line has started."""
    program, *rest = sys.argv
    if get_world_size() > 1 or Path(program).name not in ('mmvisx train', 'train.py'):
        return "the same with --resume (resume='auto' in the config)"
    words = [program, *rest] if program.startswith('mmvisx') else ['python', program, *rest]
    if '--resume' in words:
        place = words.index('--resume')
        given = words[place + 1 : place + 2]
        del words[place : place + (2 if given and not given[0].startswith('-') else 1)]
    command = shlex.join([*words, '--resume'])
    return command.replace("'mmvisx train'", 'mmvisx train', 1)
