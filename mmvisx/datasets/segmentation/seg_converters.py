"""Put SBD, PASCAL-Part and LIP into folders of index PNGs, and make the lists of D1 to D3."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from mmseg.utils import get_palette
from PIL import Image, UnidentifiedImageError
from scipy.io import loadmat

from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text
from mmvisx.utils.progress import progress

from .pascal_person_part import person_parts

__all__ = ['convert_lip', 'convert_person_parts', 'convert_sbd', 'read_names', 'sbd_labels']

LISTS = Path('ImageSets') / 'Segmentation'


def read_names(path: str | Path) -> list[str]:
    """Read a list of image names, the first word of every line.

    Raises:
        UserError: The file does not exist or names nothing.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'list {path} does not exist')
    names = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
    if not names:
        raise UserError(f'list {path} names no image')
    return names


def write_names(path: Path, names: Iterable[str]) -> int:
    """Write a list, sorted; return how many it has."""
    ordered = sorted(names)
    write_text(path, ''.join(f'{name}\n' for name in ordered))
    return len(ordered)


def save_labels(labels: np.ndarray, path: Path) -> None:
    """Save ``(H, W)`` uint8 as an index PNG with VOC's colours."""
    image = Image.fromarray(labels)
    image.putpalette(np.asarray(get_palette('pascal_voc') + [[0, 0, 0]] * 235, np.uint8).tobytes())
    image.save(path)


def sbd_labels(path: str | Path) -> np.ndarray:
    """Read the classes of one annotation file of SBD, ``cls/*.mat``.

    Returns:
        ``(H, W)`` uint8: 0 background, 1 to 20 as VOC. SBD leaves no outline unlabelled.

    Raises:
        UserError: It is no such file, or has other labels.
    """
    if not Path(path).is_file():
        raise UserError(f'annotation file {path} does not exist')
    try:
        labels = np.asarray(loadmat(path)['GTcls']['Segmentation'].item()).astype(np.uint8)
    except (KeyError, ValueError, TypeError, IndexError, OSError, NotImplementedError) as error:
        raise UserError(
            f'{path} is not an annotation of SBD (dataset/cls/*.mat): {error}'
        ) from error
    if labels.ndim != 2 or labels.max() > 20:
        raise UserError(
            f'{path}: labels of the shape {labels.shape} up to {labels.max()}; SBD has one '
            'channel with 0 to 20'
        )
    return labels


def convert_sbd(sbd: str | Path, voc: str | Path, folder: str = 'SegmentationClassAug') -> dict:
    """Make D1 of 002, Table 3.2: VOC's training images and SBD, less VOC's validation images.

    ``voc/SegmentationClassAug`` gets a map for every image of VOC and SBD, VOC's own where there
    is one: it is finer. ``trainaug.txt`` lists D1's training images, ``trainaug_half.txt`` every
    second of them, beside VOC's lists.

    Args:
        sbd: ``benchmark_RELEASE`` or its ``dataset``: ``cls/*.mat``, ``train.txt``, ``val.txt``.
        voc: ``VOCdevkit/VOC2012``.
        folder: Name of the folder of maps.

    Returns:
        ``{name of the list: how many images}``, and ``removed``: images of SBD that VOC
        validates on.

    Raises:
        UserError: A list or an annotation is missing or wrong.
    """
    root = _sbd_root(sbd)
    voc = Path(voc)
    extra = set(read_names(root / 'train.txt')) | set(read_names(root / 'val.txt'))
    train, val = (set(read_names(voc / LISTS / f'{split}.txt')) for split in ('train', 'val'))
    names = sorted(extra | train | val)

    def one(name: str) -> np.ndarray:
        own = voc / 'SegmentationClass' / f'{name}.png'
        if own.is_file():
            with Image.open(own) as image:
                return np.asarray(image)
        if name not in extra:
            raise UserError(f'{own} does not exist, and SBD has no {name}')
        return sbd_labels(root / 'cls' / f'{name}.mat')

    _write_maps(names, one, voc / folder)
    chosen = sorted((train | extra) - val)
    return {
        'trainaug': write_names(voc / LISTS / 'trainaug.txt', chosen),
        'trainaug_half': write_names(voc / LISTS / 'trainaug_half.txt', chosen[::2]),
        'removed': len(extra & val),
    }


def _sbd_root(sbd: str | Path) -> Path:
    for root in (Path(sbd) / 'dataset', Path(sbd)):
        if (root / 'cls').is_dir():
            return root
    raise UserError(f'{sbd} has no dataset/cls: give the folder benchmark_RELEASE of SBD')


def _write_maps(names: Sequence[str], read: Callable[[str], np.ndarray], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name in progress(names, 'writing', 'map'):
        save_labels(read(name), out / f'{name}.png')


def convert_person_parts(
    annotations: str | Path,
    voc: str | Path,
    sbd: str | Path | None = None,
    lists: str | Path | None = None,
    folder: str = 'SegmentationPersonPart',
) -> dict[str, int]:
    """Make PASCAL-Person-Part from PASCAL-Part, and D3 of 002, Table 3.2.

    ``voc/SegmentationPersonPart`` gets a map for every annotated image with parts of persons.
    ``person_part_{split}.txt`` lists those of the split, with SBD those that are in its split of
    the same name, too.

    Args:
        annotations: ``Annotations_Part`` with ``*.mat``.
        voc: ``VOCdevkit/VOC2012``, where maps and lists go.
        sbd: ``benchmark_RELEASE``, for D3.
        lists: The year whose ``ImageSets/Main`` lists the splits, ``VOCdevkit/VOC2010``; by
            default ``voc``.
        folder: Name of the folder of maps.

    Returns:
        ``{name of the list: how many images}``, and ``maps``.

    Raises:
        UserError: A folder or list is missing, or an annotation is wrong.
    """
    files = {path.stem: path for path in sorted(Path(annotations).glob('*.mat'))}
    if not files:
        raise UserError(f'{annotations} has no .mat: give the folder Annotations_Part')
    voc = Path(voc)
    splits = {
        split: set(read_names(Path(lists or voc) / 'ImageSets' / 'Main' / f'{split}.txt'))
        for split in ('train', 'val')
    }
    if sbd is not None:
        for split in splits:
            splits[split] &= set(read_names(_sbd_root(sbd) / f'{split}.txt'))
    out = voc / folder
    out.mkdir(parents=True, exist_ok=True)
    made = set()
    for name, path in progress(files.items(), 'converting', 'image'):
        labels = person_parts(path)
        if labels is not None:
            save_labels(labels, out / f'{name}.png')
            made.add(name)
    counts = {
        f'person_part_{split}': write_names(voc / LISTS / f'person_part_{split}.txt', names & made)
        for split, names in splits.items()
    }
    return {'maps': len(made), **counts}


LIP_SPLITS = {'train': ('Training', 'train_id.txt'), 'val': ('Validation', 'val_id.txt')}


def convert_lip(source: str | Path, out: str | Path) -> dict[str, int]:
    """Put the multi-person images of LIP (CIHP), D2 of 002, Table 3.2, into one folder.

    The classes are those of :class:`mmvisx.LIPDataset`, the labels stay as they are.

    Args:
        source: ``instance-level_human_parsing``: ``Training`` and ``Validation`` with
            ``Images/*.jpg``, ``Category_ids/*.png`` and a list of ids.
        out: Gets ``images``, links to the originals, ``segmentations`` and ``{split}.txt``.

    Returns:
        How many images each split has.

    Raises:
        UserError: An image or a map is missing, a map has another size than its image, or
            labels other than 0 to 19.
    """
    source, out = Path(source), Path(out)
    for folder in ('images', 'segmentations'):
        (out / folder).mkdir(parents=True, exist_ok=True)
    counts = {}
    for split, (folder, ids) in LIP_SPLITS.items():
        names = read_names(source / folder / ids)
        for name in progress(names, f'converting {split}', 'image'):
            image = source / folder / 'Images' / f'{name}.jpg'
            labels = _lip_labels(source / folder / 'Category_ids' / f'{name}.png', image)
            save_labels(labels, out / 'segmentations' / f'{name}.png')
            link = out / 'images' / f'{name}.jpg'
            if not link.exists():
                link.symlink_to(os.path.abspath(image))
        counts[split] = write_names(out / f'{split}.txt', names)
    return counts


def _lip_labels(path: Path, image: Path) -> np.ndarray:
    try:
        with Image.open(path) as png:
            labels = np.asarray(png)
        with Image.open(image) as jpg:
            size = jpg.size
    except (FileNotFoundError, UnidentifiedImageError) as error:
        raise UserError(f'{path} and {image} are a pair, but: {error}') from error
    if labels.ndim != 2 or labels.shape[::-1] != size:
        raise UserError(f'{path} has the shape {labels.shape}, its image {image} {size[::-1]}')
    if labels.max() > 19:
        raise UserError(f'{path} has the label {labels.max()}; LIP has 0 to 19')
    return labels.astype(np.uint8)
