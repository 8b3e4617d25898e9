"""Look at a folder of data and write a config that trains on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap

from mmvisx.utils.config.classes import read_classes
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text

from .formats import Format, Part
from .machine import Machine
from .recognise import recognise
from .split import groups_of, split
from .statistics import measure
from .writers import WIDTH, WRITERS, Entry, Plan, Request, lay_out

__all__ = ['Options', 'init']

# What a GPU that is not there is taken to have, in GiB.
SOME_GPU = 16.0


@dataclass(frozen=True)
class Options:
    """What the user may choose.

    Attributes:
        out: The config to write; by default one with the name of the data, where the command runs.
        format: Of the data; by default the one that is there.
        classes: Names, as ``mmvisx train --classes`` takes them; by default those of the data.
        val_share: Share of the images to validate on where the data have no such part, in [0, 1);
            0 validates on the training part.
        group_by: How images are grouped that must not be divided, see :func:`.split.group_of`.
        weights: Checkpoint to start from.
        device: ``'cpu'`` or ``'gpu'``; by default what this machine has.
        seed: Of the split and of the training.
    """

    out: str | None = None
    format: str | None = None
    classes: tuple[str, ...] = ()
    val_share: float = 0.2
    group_by: str | None = None
    weights: str | None = None
    device: str | None = None
    seed: int = 0


def init(path: str | Path, options: Options | None = None) -> list[str]:
    """Write a config that trains on the data below a folder, and lists beside it if it splits them.

    Args:
        path: Folder of the data, or a COCO JSON or ``data.yaml`` in it.
        options: What is not taken from the data and the machine.

    Returns:
        What was found and written, and what to do next, in lines.

    Raises:
        UserError: The data are of no known format, of several, or faulty; a config is there
            already; an option does not fit.
    """
    options = options or Options()
    # What a config says has to be true wherever a training is started.
    path = Path(os.path.abspath(Path(path).expanduser()))
    out = _choose_out(path, options)
    weights = _file(options.weights)
    if not 0 <= options.val_share < 1:
        raise UserError(f'--val-share {options.val_share} should be in [0, 1), as 0.2')
    data = recognise(path, options.format)
    data.classes = (
        data.take_classes(read_classes(options.classes)) if options.classes else data.read_classes()
    )
    notes = list(_check(data))
    lists = out.with_name(f'{out.stem}_split')
    _refuse(lists)
    try:
        notes.append(_divide(data, lists, options))
        request = _request(data, _machine(options.device), weights, options.seed)
        plan = WRITERS[data.task](request)
        write_text(out, lay_out(_header(data, out, plan, request.machine), _entries(request, plan)))
    except BaseException:
        shutil.rmtree(lists, ignore_errors=True)  # there was none before
        raise
    return list(_summary(request, notes, plan, out))


def _request(data: Format, machine: Machine, weights: Path | None, seed: int) -> Request:
    """Return what a config is written for.

    Raises:
        UserError: There is nothing to train a detector on.
    """
    train, val = (measure(data, data.parts[name]) for name in ('train', 'val'))
    if data.task == 'detection' and not len(train.boxes):
        raise UserError(
            f'the {train.images} images to train on have no object of '
            f'{", ".join(data.classes[:5])}: annotate some, or choose the classes with --classes'
        )
    return Request(data, train, val, machine, weights, seed)


def _choose_out(path: Path, options: Options) -> Path:
    if options.out is None:
        folder = path if path.is_dir() else path.parent
        configs = sorted(folder.glob('*.py'))
        if configs:
            raise UserError(
                f'{folder} has a config, {configs[0].name}: train with it, or name another to '
                'write with --out'
            )
        out = Path.cwd() / f'{folder.name.replace("-", "_").replace(" ", "_")}.py'
    else:
        out = Path(os.path.abspath(Path(options.out).expanduser()))
        if out.suffix != '.py':
            raise UserError(f'--out {options.out} should be the path of a config, as mine.py')
        folder = path if path.is_dir() else path.parent
        if out.is_relative_to(folder):
            raise UserError(f'--out {options.out} lies in the data {folder}: take another folder')
    _refuse(out)
    return out


def _refuse(path: Path) -> None:
    if path.exists():
        raise UserError(f'{path} exists and is not overwritten: name another config with --out')


def _file(name: str | None) -> Path | None:
    if name is None:
        return None
    path = Path(os.path.abspath(Path(name).expanduser()))
    if not path.is_file():
        raise UserError(f'--weights {name}: there is no such file')
    return path


def _machine(device: str | None) -> Machine:
    machine = Machine.here()
    if device == 'cpu':
        return replace(machine, gpu='', gpu_memory=0.0)
    if device == 'gpu' and not machine.gpu_memory:
        return replace(machine, gpu='a GPU', gpu_memory=SOME_GPU)
    return machine


def _check(data: Format) -> Iterator[str]:
    """Yield what is odd in the data.

    Raises:
        UserError: A training would end with an error.
    """
    for name, part in data.parts.items():
        report = data.check(part)
        kinds = [kind for kind in report.checks if report.counts[kind]]
        wrong = [kind for kind in kinds if kind in data.fatal]
        if wrong:
            listed = '; '.join(
                f'{report.counts[kind]} x {kind} ({report.examples[kind][0]})' for kind in wrong
            )
            raise UserError(
                f'the {name} part of {data.root} cannot be trained on: {listed}. Repair or remove '
                'them; mmvisx check lists all'
            )
        for kind in kinds:
            yield f'{name}: {report.counts[kind]} x {kind} ({report.examples[kind][0]})'


def _divide(data: Format, lists: Path, options: Options) -> str:
    """Divide the training part where it is the only one, into lists; return what was done."""
    if 'val' in data.parts:
        unused = f'; --group-by {options.group_by} is not used' if options.group_by else ''
        return f'the data have a validation part, so nothing was split{unused}'
    part = data.parts['train']
    names = data.names(part)
    if not options.val_share:
        whole = part if _complete(part) else _write(data, part, {'all': names}, lists)['all']
        data.parts = {'train': whole, 'val': whole}
        return '--val-share 0: validated on the training images, which says nothing about others'
    groups = groups_of(names, options.group_by)
    train, val = split(names, groups, data.strata(names), options.val_share, options.seed)
    data.parts = _write(data, part, {'train': train, 'val': val}, lists)
    count = f' in {len(set(groups))} groups by {options.group_by}' if options.group_by else ''
    return f'no validation part: {len(names)} images{count} were split (seed {options.seed})'


def _complete(part: Part) -> bool:
    return part.listed is not None or part.labels is None or part.labels.is_file()


def _write(data: Format, part: Part, names: dict[str, list[str]], lists: Path) -> dict[str, Part]:
    lists.mkdir(parents=True)
    return {name: data.write_part(part, some, lists / name) for name, some in names.items()}


def _header(data: Format, out: Path, plan: Plan, machine: Machine) -> list[str]:
    what = f'{plan.summary["task"].capitalize()}: {data.root}, recognised as {data.name}.'
    written = f'Written by mmvisx init for {machine}; every line may be changed.'
    return [
        *wrap(f'{what} {written}', WIDTH - 2),
        f'  mmvisx train {out.name}',
        f'  mmvisx test {out.name} work_dirs/{out.stem}/{plan.checkpoint}',
    ]


def _entries(request: Request, plan: Plan) -> list[Entry]:
    data = request.data
    named = 'The order is that of the labels.'
    if all(name == f'class_{k}' for k, name in enumerate(data.classes)):
        named = 'The data do not say what the labels are called: write your names here, in order.'
    base, *entries = plan.entries
    start = [
        base,
        Entry('data_root', f'{data.root}/', 'Where the data are; nothing is written there.'),
        Entry('classes', data.classes, named),
        Entry('num_classes', len(data.classes)),
    ]
    return [*start, *entries, Entry('randomness', dict(seed=request.seed))]


def _summary(request: Request, notes: list[str], plan: Plan, out: Path) -> Iterator[str]:
    data, train = request.data, request.train
    width, height = train.typical
    rows = {
        'format': f'{data.name}: {data.why}',
        'images': f'{train.images} to train on, {request.val.images} to validate on; typically '
        f'{width}x{height}',
        'classes': f'{len(data.classes)}: {_some(data.classes)}',
    }
    if len(train.boxes):
        rows['objects'] = f'{len(train.boxes)} to train on, {train.with_masks} with a mask'
    rows |= {'task': plan.summary['task'], 'machine': str(request.machine), **plan.summary}
    for name, text in rows.items():
        yield f'{name:<9}{text}'
    for note in notes:
        yield f'{"note":<9}{note}'
    lists = out.with_name(f'{out.stem}_split')
    if lists.is_dir():
        yield f'{"split":<9}{_short(lists)}/'
    yield f'{"config":<9}{_short(out)}'
    yield f'next: mmvisx train {_short(out)}'


def _some(names: tuple[str, ...]) -> str:
    return ', '.join(names[:6]) + (' ...' if len(names) > 6 else '')


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
