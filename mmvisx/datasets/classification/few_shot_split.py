"""Part the classes of a data set into large and few ones, as lists that can be published."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text

__all__ = ['choose_few', 'class_images', 'split_classes']

# What mmpretrain's CustomDataset takes for images.
Parts = tuple[list[str], list[str]]  # images to train with and to test with
ENDINGS = {'.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif'}


def class_images(folder: str | Path) -> dict[str, list[str]]:
    """Return the images of class folders by class, relative to ``folder``; both are sorted.

    Raises:
        UserError: There is no class folder, or one without images.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f'image folder {root} does not exist')
    found: dict[str, list[str]] = {}
    for member in sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] != '.'):
        files = sorted(p for p in member.rglob('*') if p.suffix.lower() in ENDINGS)
        if not files:
            raise UserError(f'class folder {member} has no image: add images or remove the folder')
        found[member.name] = [str(p.relative_to(root)) for p in files]
    if not found:
        raise UserError(f'{root} has no class folders: each class is a folder of images')
    return found


def choose_few(classes: Sequence[str], few: str | int | Path, seed: int = 0) -> list[str]:
    """Return the few classes in their order.

    Args:
        classes: All names.
        few: A pattern of their names, as ``'Sanskrit*'``, how many to draw, or a text file with a
            name in each line.
        seed: Of the draw.

    Raises:
        UserError: None or all of the classes are meant, or the file names one that is not there.
    """
    if isinstance(few, Path):
        names = [line.strip() for line in few.read_text(encoding='utf-8').splitlines()]
        wanted = {name for name in names if name and not name.startswith('#')}
        unknown = sorted(wanted - set(classes))
        if unknown:
            raise UserError(f'{few}: there is no class {unknown[0]!r} ({len(unknown)} such)')
        return _some(classes, str(few), [name for name in classes if name in wanted])
    if isinstance(few, int):
        if not 0 < few < len(classes):
            raise UserError(
                f'few={few}: there are {len(classes)} classes, and some must stay large'
            )
        drawn = np.random.default_rng(seed).choice(len(classes), few, replace=False)
        return [classes[k] for k in sorted(drawn)]
    return _some(classes, few, fnmatch.filter(classes, few))


def _some(classes: Sequence[str], few: str, chosen: list[str]) -> list[str]:
    if not 0 < len(chosen) < len(classes):
        raise UserError(
            f'few={few!r} is true of {len(chosen)} of {len(classes)} class names: write a pattern '
            'of some of them, a number, or a file of names'
        )
    return chosen


def split_classes(
    images: Mapping[str, Sequence[str]],
    few: Sequence[str],
    test: int | Mapping[str, Sequence[str]],
    out: str | Path,
    seed: int = 0,
    shots: Sequence[int] = (),
) -> dict[str, int]:
    """Write lists of the images of large and of few classes, to train and to test with.

    ``large_train.txt``, ``large_test.txt``, ``few_train.txt`` (which samples are drawn from) and
    ``few_test.txt`` have lines ``path label``, as :class:`mmvisx.ImageFolder` reads them, labels
    from 0; ``few_all.txt`` has those of the last two; ``large_classes.txt`` and
    ``few_classes.txt`` have the names. For networks that are trained
    on both, ``joint_train_{n}.txt`` has the large classes' images and ``n`` samples of each few
    class, whose labels follow; ``joint_test.txt`` and ``joint_classes.txt`` go with it.

    Args:
        images: Paths by class.
        few: Names of the few classes.
        test: Images of each class to test with, drawn; or their paths by class, which all of
            ``images`` are trained with then.
        out: Folder to write into.
        seed: Of the draws.
        shots: The ``n`` of lists of samples; fewer ones are the first of more.

    Returns:
        The number of lines of each file.

    Raises:
        UserError: A class has no more images than ``test``, or fewer to train with than a number
            of ``shots``; the classes of ``test`` are others; or there are lists already.
    """
    folder = Path(out)
    if (folder / 'large_train.txt').exists():
        raise UserError(f'{folder} has lists already: name another folder')
    rng = np.random.default_rng(seed)
    kinds = dict(large=[name for name in images if name not in set(few)], few=list(few))
    if isinstance(test, int):
        parts = _draw_test(images, kinds, test, rng)
    else:
        parts = _given_test(images, test)
    lists: dict[str, list[str]] = {}
    for kind, names in kinds.items():
        for number, part in enumerate(('train', 'test')):
            lists[f'{kind}_{part}'] = _lines([parts[name][number] for name in names])
        lists[f'{kind}_classes'] = names
    lists['few_all'] = _lines([images[name] for name in kinds['few']])
    if shots:
        lists |= _joint(kinds, parts, shots, rng)
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in lists.items():
        write_text(folder / f'{name}.txt', '\n'.join(lines) + '\n')
    return {name: len(lines) for name, lines in lists.items()}


def _draw_test(
    images: Mapping[str, Sequence[str]],
    kinds: Mapping[str, Sequence[str]],
    test: int,
    rng: np.random.Generator,
) -> dict[str, Parts]:
    short = next((name for name in images if len(images[name]) <= test), None)
    if test < 1 or short is not None:
        where = f': class {short!r} has {len(images[short])}' if short else ''
        raise UserError(f'test={test} must be at least 1 and leave images to train with{where}')
    found: dict[str, Parts] = {}
    for name in (*kinds['large'], *kinds['few']):
        drawn = set(rng.choice(len(images[name]), test, replace=False).tolist())
        parts: Parts = ([], [])
        for i, path in enumerate(images[name]):
            parts[i in drawn].append(path)
        found[name] = parts
    return found


def _given_test(
    images: Mapping[str, Sequence[str]], test: Mapping[str, Sequence[str]]
) -> dict[str, Parts]:
    other = sorted(set(images) ^ set(test))
    if other:
        raise UserError(f'class {other[0]!r} has images to train with or to test with only')
    return {name: (list(images[name]), list(test[name])) for name in images}


def _joint(
    kinds: Mapping[str, Sequence[str]],
    parts: Mapping[str, Parts],
    shots: Sequence[int],
    rng: np.random.Generator,
) -> dict[str, list[str]]:
    """Return the lists of large classes and, with the labels that follow, of few ones."""
    large, few = kinds['large'], kinds['few']
    fewest = min(few, key=lambda name: len(parts[name][0]))
    if not 1 <= min(shots) <= max(shots) <= len(parts[fewest][0]):
        raise UserError(
            f'shots={tuple(shots)}: class {fewest!r} has {len(parts[fewest][0])} images to draw '
            'samples from'
        )
    shuffled = [rng.permutation(parts[name][0]).tolist() for name in few]
    lists = dict(
        joint_classes=[*large, *few], joint_test=_lines([parts[name][1] for name in (*large, *few)])
    )
    for n in shots:
        samples = [order[:n] for order in shuffled]
        lists[f'joint_train_{n}'] = _lines([*(parts[name][0] for name in large), *samples])
    return lists


def _lines(images: Sequence[Sequence[str]]) -> list[str]:
    return [f'{path} {label}' for label, paths in enumerate(images) for path in paths]
