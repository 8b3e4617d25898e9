"""Which checkpoint of a work dir a training goes on from.

A *checkpoint of a run* holds weights and progress; it is *complete* with the optimizer, which the
best checkpoints and published weights lack. The *pointer* is the file ``last_checkpoint``.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import mmengine.runner.runner as mmengine_runner
from mmengine.dist import broadcast_object_list, is_main_process

from mmvisx.utils.checkpoint_file import Progress, check_intact, progress_of, write_checkpoint
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text

__all__ = ['POINTER', 'Choice', 'newest_intact', 'on_main', 'point_to', 'set_aside', 'streaming']

POINTER = 'last_checkpoint'
INTERRUPTED = 'interrupted.pth'  # of a training that was told to end
FORMER = 'former_'  # folders of a work dir with the checkpoints of a former run
_OF_RUN = re.compile(rf'(epoch|iter|best)_|{re.escape(INTERRUPTED)}$')
_T = TypeVar('_T')


@contextmanager
def streaming() -> Iterator[None]:
    """Let MMEngine's runner write checkpoints with :func:`write_checkpoint` in the block.

    Its own function makes a second copy of everything in memory, and writes that in place. The
    runner looks it up in its module. What is not a local file is left to it.
    """
    plain = mmengine_runner.save_checkpoint

    def write(
        checkpoint: dict, filename: str, file_client_args: Any = None, backend_args: Any = None
    ) -> None:
        if '://' in filename or file_client_args or backend_args:
            plain(checkpoint, filename, file_client_args, backend_args)
            return
        write_checkpoint(checkpoint, filename)

    mmengine_runner.save_checkpoint = write
    try:
        yield
    finally:
        mmengine_runner.save_checkpoint = plain


@dataclass
class Choice:
    """The checkpoint to go on from.

    Attributes:
        path: None when there is no checkpoint at all.
        notes: What was skipped, and why.
        lost: Iterations done by the newest that was skipped, and not by this one.
    """

    path: Path | None = None
    notes: list[str] = field(default_factory=list)
    lost: int = 0

    def __str__(self) -> str:
        again = f'; {self.lost} iterations are trained again' if self.lost else ''
        return f'--resume: {"; ".join([*self.notes, f"going on from {self.path}{again}"])}'


def newest_intact(work_dir: str | Path, folders: Iterable[str | Path] = ()) -> Choice:
    """Find the newest complete checkpoint without a fault, in ``work_dir`` or ``folders``.

    The order is that of the iterations which they say were done. What says more than the
    checkpoint that the pointer names, but was written before the pointer, is of a former run.

    Raises:
        UserError: There are checkpoints of a run, but none to go on from.
    """
    pointer = Path(work_dir) / POINTER
    choice = Choice()
    named = _read_pointer(pointer, choice)
    places = dict.fromkeys(
        Path(p) for p in (work_dir, *folders, *([named.parent] if named else ()))
    )
    known: dict[Path, Progress] = {}
    broken = []
    for path in sorted(p for place in places for p in place.glob('*.pth')):
        try:
            progress = progress_of(path)
        except UserError:
            broken.append(path)
            continue
        if progress and (progress.complete or _OF_RUN.match(path.name)):
            known[path] = progress
    limit = _limit(pointer, named, known)
    complete = [path for path, progress in known.items() if progress.complete and not limit(path)]
    faults: dict[Path, str] = dict.fromkeys(broken, 'is cut off or damaged')
    for path in sorted(complete, key=lambda p: (known[p].iter, p.stat().st_mtime), reverse=True):
        try:
            check_intact(path)
        except UserError as error:
            faults[path] = str(error).removeprefix(f'checkpoint {path} ').split(', as after')[0]
            continue
        choice.path = path
        break
    if choice.path is None:
        _refuse_to_start_anew(work_dir, faults, known)
        return choice
    for path, fault in faults.items():
        ahead = _iterations(path, known, known[choice.path]) - known[choice.path].iter
        if ahead > 0:
            choice.notes.append(f'{path} skipped, it {fault}')
            choice.lost = max(choice.lost, ahead)
    return choice


def point_to(work_dir: str | Path, path: str | Path) -> None:
    """Let the pointer of a work dir name a checkpoint.

    Raises:
        UserError: it cannot be written.
    """
    pointer = Path(work_dir) / POINTER
    if not pointer.is_file() or pointer.read_bytes() != str(path).encode():
        write_text(pointer, str(path))


def _read_pointer(pointer: Path, choice: Choice) -> Path | None:
    try:
        text = pointer.read_text().strip()
    except (OSError, UnicodeDecodeError):
        text = ''
    if not text:
        choice.notes.append(f'{pointer} is missing or empty')
        return None
    named = Path(text)
    if not named.is_file():
        choice.notes.append(f'{pointer} names {named}, which does not exist')
        return None
    return named


def _limit(
    pointer: Path, named: Path | None, known: dict[Path, Progress]
) -> Callable[[Path], bool]:
    """Say of a checkpoint whether it is of a former run."""
    if named is None:
        return lambda path: False
    written = pointer.stat().st_mtime

    def is_former(path: Path) -> bool:
        done = _iterations(named, known, known[path])
        return 0 < done < known[path].iter and path.stat().st_mtime < written

    return is_former


def _refuse_to_start_anew(
    work_dir: str | Path, faults: dict[Path, str], known: dict[Path, Progress]
) -> None:
    others = {
        path: 'is of a former run' if progress.complete else 'holds weights only'
        for path, progress in known.items()
        if path not in faults
    }
    found = [f'{path.name} {fault}' for path, fault in {**faults, **others}.items()]
    if found:
        raise UserError(
            f'--resume: {work_dir} holds checkpoints, but none to go on from: {"; ".join(found)}. '
            'Give one: --resume PATH; or train from scratch without --resume'
        )


def _iterations(path: Path, known: dict[Path, Progress], like: Progress) -> int:
    """How many iterations a checkpoint has done; if it cannot be read, by its name."""
    if path in known:
        return known[path].iter
    number = re.fullmatch(r'(epoch|iter)_(\d+)', path.stem)
    if number is None:
        return 0
    each = like.iter // max(like.epoch, 1) if number[1] == 'epoch' else 1
    return int(number[2]) * each


def set_aside(folder: str | Path) -> Path | None:
    """Move the checkpoints of a former run into a folder of their own, so that none is lost.

    Returns:
        That folder; None when there is nothing to move.
    """
    folder = Path(folder)
    old = [path for path in folder.glob('*.pth') if _OF_RUN.match(path.name)]
    if not old:
        return None
    written = time.strftime('%Y%m%d_%H%M%S', time.localtime(max(p.stat().st_mtime for p in old)))
    former = folder / f'{FORMER}{written}'
    for number in itertools.count(2):
        if not former.exists():
            break
        former = folder / f'{FORMER}{written}_{number}'
    former.mkdir()
    for path in [*old, folder / POINTER]:
        if path.exists():
            path.rename(former / path.name)
    return former


def on_main(function: Callable[..., _T], *args: Any) -> _T:
    """Call a function in the first process; all return what it returns.

    Raises:
        UserError: in all processes, when it was raised in the first.
    """
    answer: list[Any] = [None, None]
    if is_main_process():
        try:
            answer[0] = function(*args)
        except UserError as error:
            answer[1] = str(error)
    broadcast_object_list(answer)
    if answer[1] is not None:
        raise UserError(answer[1])
    result: _T = answer[0]
    return result
