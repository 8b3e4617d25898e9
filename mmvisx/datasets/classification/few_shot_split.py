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


def choose_few(classes: Sequence[str], few: str | int, seed: int = 0) -> list[str]:
    """Return the few classes in their order.

    Args:
        classes: All names.
        few: A pattern of their names, as ``'Sanskrit*'``, or how many to draw.
        seed: Of the draw.

    Raises:
        UserError: None or all of the classes are meant.
    """
    if isinstance(few, int):
        if not 0 < few < len(classes):
            raise UserError(
                f'few={few}: there are {len(classes)} classes, and some must stay large'
            )
        drawn = np.random.default_rng(seed).choice(len(classes), few, replace=False)
        return [classes[k] for k in sorted(drawn)]
    chosen = fnmatch.filter(classes, few)
    if not 0 < len(chosen) < len(classes):
        raise UserError(
            f'few={few!r} is true of {len(chosen)} of {len(classes)} class names: write a pattern '
            'of some of them, or a number'
        )
    return chosen


def split_classes(
    images: Mapping[str, Sequence[str]],
    few: Sequence[str],
    test: int,
    out: str | Path,
    seed: int = 0,
) -> dict[str, int]:
    """Write lists of the images of large and of few classes, to train and to test with.

    ``large_train.txt``, ``large_test.txt``, ``few_train.txt`` (which samples are drawn from) and
    ``few_test.txt`` have lines ``path label``, as :class:`mmvisx.ImageFolder` reads them, labels
    from 0; ``large_classes.txt`` and ``few_classes.txt`` the names.

    Args:
        images: Paths by class.
        few: Names of the few classes.
        test: Images of each class to test with, drawn.
        out: Folder to write into.
        seed: Of the draw.

    Returns:
        The number of lines of each file.

    Raises:
        UserError: A class has no more images than ``test``, or there are lists already.
    """
    folder = Path(out)
    if (folder / 'large_train.txt').exists():
        raise UserError(f'{folder} has lists already: name another folder')
    short = next((name for name in images if len(images[name]) <= test), None)
    if test < 1 or short is not None:
        where = f': class {short!r} has {len(images[short])}' if short else ''
        raise UserError(f'test={test} must be at least 1 and leave images to train with{where}')
    rng = np.random.default_rng(seed)
    kinds = dict(large=[name for name in images if name not in set(few)], few=list(few))
    lists: dict[str, list[str]] = {}
    for kind, names in kinds.items():
        parts: dict[bool, list[str]] = {True: [], False: []}
        for label, name in enumerate(names):
            drawn = set(rng.choice(len(images[name]), test, replace=False).tolist())
            for i, path in enumerate(images[name]):
                parts[i in drawn].append(f'{path} {label}')
        lists |= {f'{kind}_train': parts[False], f'{kind}_test': parts[True]}
        lists[f'{kind}_classes'] = names
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in lists.items():
        write_text(folder / f'{name}.txt', '\n'.join(lines) + '\n')
    return {name: len(lines) for name, lines in lists.items()}
