"""Find the images of a data set: in a folder and those below it, or in a list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mmvisx.datasets.segmentation.seg_files import IMAGE_SUFFIXES
from mmvisx.utils import UserError
from mmvisx.utils.progress import progress

__all__ = ['check_stems', 'files_below', 'images_of', 'listed', 'same_stems']


def files_below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files with one of the endings in a folder and those below it, sorted; none that is hidden."""
    paths: Iterable[Path] = progress(_walk(folder), f'listing {folder}')
    return sorted(path for path in paths if path.suffix.lower() in suffixes)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name[0] != '.']
        for name in names:
            if name[0] != '.':
                yield Path(root, name)


def images_of(places: Sequence[Path], root: Path | None = None) -> list[Path]:
    """Images of folders and lists (``.txt``, a path a line), in their order.

    Args:
        places: The folders and lists.
        root: What the lines of a list may be relative to, besides the folder of the list.

    Raises:
        UserError: A place does not exist, has no image, or lists what is not there.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            images = files_below(place, IMAGE_SUFFIXES)
        else:
            images = listed(place, [place.parent] if root is None else [root, place.parent])
        if not images:
            raise UserError(f'{place} has no image ({", ".join(IMAGE_SUFFIXES)}): check the path')
        found += images
    return found


def listed(path: Path, roots: Sequence[Path]) -> list[Path]:
    """Files that a text file lists, a path a line.

    Args:
        path: The text file.
        roots: Folders that a line may be relative to; the first one where it is there counts.

    Raises:
        UserError: The list is missing or no text, or a file of it is missing.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except FileNotFoundError:
        raise UserError(f'list {path} does not exist: check ann_file and data_root') from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f'list {path} cannot be read: {error}: a text file, a path a line'
        ) from None
    found = []
    for number, line in enumerate(progress(lines, f'looking for the files of {path}'), 1):
        line = line.strip()
        if not line:
            continue
        places = [root / line for root in roots]
        place = next((place for place in places if place.is_file()), None)
        if place is None:
            raise UserError(
                f'{path}, line {number}: no file {places[0]}: restore it or remove the line'
            )
        found.append(place)
    return found


def check_stems(images: Iterable[Path], what: str) -> None:
    """Check that no two images would have the same file of annotations.

    Raises:
        UserError: Two images of a folder differ in their ending only, or one is there twice.
    """
    for other, image in same_stems(images):
        if other == image:
            raise UserError(f'image {image} is listed twice: remove one of the two')
        raise UserError(
            f'images {other} and {image} have the same {what}: rename one, or remove it'
        )


def same_stems(images: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Pairs of images of a folder that differ in their ending only, or not at all."""
    seen: dict[Path, Path] = {}
    pairs = ((seen.setdefault(image.with_suffix(''), image), image) for image in images)
    return [(other, image) for other, image in pairs if other is not image]
