"""Time and memory of what keeps a training's files whole, against MMEngine's own writing.

The nano DetectoRS on rendered shapes, in one process, both sides in turns: writing its checkpoint
(temporary file, fsync, rename), reading it (comparing the CRC-32 of every record), and a training
with a checkpoint every few iterations that is resumed. A training's time is the processor's, so
that other processes on the machine do not count; a checkpoint's is the clock's, so that the disk
does.

python tools/benchmarks/reliability.py --out benchmarks/reliability.json
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from mmengine.config import Config
from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import MessageHub, MMLogger
from mmengine.runner import Runner
from mmengine.runner.checkpoint import save_checkpoint
from mmengine.visualization import Visualizer

from mmvisx.apis.run import prepare_config
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.engine.runner import CheckedRunner
from mmvisx.utils import run_cli
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.checkpoint_file import write_checkpoint
from mmvisx.utils.file_backend import WholeFileBackend
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import paired_memory, paired_seconds, summary

CONFIG = Path(__file__).resolve().parents[2] / 'configs/detectors/htc_rfp_sac_nano_shapes.py'
RECIPE_STEPS = 300  # of an epoch, after which the recipe writes a checkpoint
BATCH = 4


class PlainRunner(CheckedRunner):
    """Writes and finds checkpoints as MMEngine does."""

    register_hook = Runner.register_hook
    save_checkpoint = Runner.save_checkpoint
    load_or_resume = Runner.load_or_resume

    def train(self) -> Any:
        """Train."""
        self._load_mode = 'finetune'
        return Runner.train(self)


@contextmanager
def plain_files() -> Iterator[None]:
    """Write as MMEngine does, and read without checking, in the block."""
    register_backend('local', LocalBackend, force=True, prefixes='')
    try:
        with mock.patch('mmvisx.utils.checkpoint.check_intact'):
            yield
    finally:
        register_backend('local', WholeFileBackend, force=True, prefixes='')


@contextmanager
def every_check() -> Iterator[None]:
    """Compare checksums in the block, of files that were found intact before as well."""
    with mock.patch('mmvisx.utils.checkpoint_file._intact', set()):
        yield


def config(data: Path, work_dir: Path, epochs: int) -> Config:
    """Return the recipe without validation, in one process."""
    cfg = prepare_config(CONFIG, work_dir)
    for part in ('val', 'test'):
        for name in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{part}_{name}'] = None
    cfg.train_dataloader.update(batch_size=BATCH, num_workers=0, persistent_workers=False)
    cfg.train_dataloader.dataset.data_root = f'{data}/coco/'
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
    cfg.param_scheduler = None
    cfg.randomness = dict(seed=0)
    cfg.log_level = 'WARNING'
    cfg.visualizer.pop('name')  # a second runner would get the first one's
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1, max_keep_ckpts=1)
    return cfg


def train(kind: type[CheckedRunner], data: Path, work_dir: Path, epochs: int) -> float:
    """Train an epoch and resume for the others; return the processor's seconds."""
    start = time.process_time()
    for until, resume in ((1, False), (epochs, True)):
        for named in (MMLogger, MessageHub, Visualizer):
            named._instance_dict.clear()
        cfg = config(data, work_dir, until)
        cfg.resume = resume
        kind.from_cfg(cfg).train()
    return time.process_time() - start


def compare_trainings(data: Path, out: Path, epochs: int, rounds: int) -> dict[str, Any]:
    """Measure whole trainings, which start at the same weights and read the same images."""
    pairs = []
    for turn in range(rounds):
        times = {}
        kinds = (CheckedRunner, PlainRunner) if turn % 2 else (PlainRunner, CheckedRunner)
        for kind in kinds:
            with plain_files() if kind is PlainRunner else every_check():
                times[kind] = train(kind, data, out / f'{turn}_{kind.__name__}', epochs)
        pairs.append((times[CheckedRunner], times[PlainRunner]))
    return summary(pairs)


def compare_files(work_dir: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Measure writing and reading the checkpoint of a training."""
    (path,) = work_dir.glob('epoch_*.pth')
    content = read_checkpoint(path)
    ours, theirs = path.with_name('ours.pth'), path.with_name('theirs.pth')

    def plainly(call: Callable[[], Any]) -> None:
        with plain_files():
            call()

    def checked() -> None:
        with every_check():
            read_checkpoint(path)

    write = partial(write_checkpoint, content, ours)
    plain_write = partial(plainly, partial(save_checkpoint, content, str(theirs)))
    plain_read = partial(plainly, partial(read_checkpoint, path))
    return {
        'bytes': {'checkpoint': path.stat().st_size},
        'write_seconds': paired_seconds(write, plain_write, rounds),
        'write_peak_mib': paired_memory(write, plain_write),
        'read_seconds': paired_seconds(checked, plain_read, rounds),
        'read_peak_mib': paired_memory(checked, plain_read),
    }


def measure(images: int, epochs: int, rounds: int) -> dict[str, Any]:
    """Measure everything.

    Returns:
        Per quantity the medians of ``ours`` and the ``reference``, and ``recipe_percent``: what a
        checkpoint and a share of a resume cost more, of the time between two of the recipe's.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / 'shapes'
        make_shapes(data, ShapesConfig(train=images, val=0, size=128))
        training = compare_trainings(data, Path(folder), epochs, rounds)
        files = compare_files(Path(folder) / '0_CheckedRunner', 5 * rounds)
    steps = epochs * images // BATCH
    more = sum(
        files[f'{k}_seconds'][side] * sign
        for k in ('write', 'read')
        for side, sign in (('ours', 1), ('reference', -1))
    )
    epoch = RECIPE_STEPS * training['reference'] / steps
    return {
        'steps': steps,
        'steps_per_checkpoint': images // BATCH,
        'training_cpu_seconds': training,
        **files,
        'recipe_percent': round(100 * more / epoch, 3),
    }


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description='Time and memory of keeping files whole')
    parser.add_argument('--images', type=int, default=80)
    parser.add_argument('--epochs', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=2, help='turns')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    result = measure(options.images, options.epochs, options.rounds)
    print(json.dumps(result, indent=2))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        content = {'machine': describe_machine(), 'checkpoints': result}
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
