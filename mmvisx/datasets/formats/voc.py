"""PASCAL VOC: an XML file for each image, lists for the splits."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mmdet.datasets import VOCDataset

from mmvisx.datasets.detection.image_list import check_stems
from mmvisx.datasets.detection.voc import image_file
from mmvisx.utils import UserError
from mmvisx.utils.inside import check_inside
from mmvisx.utils.progress import progress

from .records import Content, Picture, Place, Thing, true_size

__all__ = ['read_content', 'voc_folders', 'write_content']

CLASSES = 'classes.txt'  # beside Annotations: VOC itself says no classes, and no order
OTHERS = ('truncated', 'occluded')


def voc_folders(source: Path) -> list[Path]:
    """Folders with ``Annotations`` and ``JPEGImages``: a folder, or those up to two below."""
    if not source.is_dir():
        return []
    places = [source, *source.glob('*'), *source.glob('*/*')]
    kept = [p for p in places if (p / 'Annotations').is_dir() and (p / 'JPEGImages').is_dir()]
    return sorted(kept)


def read_content(source: Path, images: Path | None, wanted: Sequence[str]) -> Content:
    """Read the splits: the lists in ``ImageSets/Main``, or else all XML files.

    Args:
        source: The folder of a year, or one up to two above it.
        images: Folder of the images, by default ``JPEGImages``.
        wanted: Names of splits; all if there is none (``trainval`` only where there is no other).

    Raises:
        UserError: There are several years, or a file is faulty or missing, or a list leads
            out of the folder.
    """
    folders = voc_folders(source)
    if len(folders) > 1:
        listed = ', '.join(map(str, folders))
        raise UserError(f'{source} has several folders of VOC: {listed}: give one of them')
    folder = folders[0]
    content = Content([], {})
    read: dict[str, Picture] = {}  # a stem may stand in several lists
    place = images or folder / 'JPEGImages'
    for split, stems in _lists(folder, wanted).items():
        check_inside([str(place / stem) for stem in stems], [place], f'{folder}: list {split}')
        pictures = []
        for stem in progress(stems, f'reading XML files of {split}'):
            if stem not in read:
                read[stem] = _picture(folder, place, stem, content.lost)
            pictures.append(read[stem])
        content.splits[split] = pictures
    content.classes = _classes(folder, read)
    return content


def _lists(folder: Path, wanted: Sequence[str]) -> dict[str, list[str]]:
    found = {}
    for path in sorted((folder / 'ImageSets' / 'Main').glob('*.txt')):
        lines = path.read_text(encoding='utf-8').splitlines()
        stems = [line.strip() for line in lines if line.strip()]
        # The list of a class has a second column: whether the image has one.
        if not all(stem.endswith((' 1', ' 0', ' -1')) for stem in stems):
            found[path.stem] = stems
    found = {k: v for k, v in found.items() if not wanted or k in wanted}
    if not wanted and {'train', 'val'} <= found.keys():
        found.pop('trainval', None)
    if not found:
        stems = sorted(path.stem for path in (folder / 'Annotations').glob('*.xml'))
        found = {'train': stems} if not wanted or 'train' in wanted else {}
    return found


def _classes(folder: Path, pictures: dict[str, Picture]) -> list[str]:
    there = {thing.name for picture in pictures.values() for thing in picture.things}
    path = folder / CLASSES
    if path.is_file():
        names = [line.strip() for line in path.read_text(encoding='utf-8').splitlines()]
        names = [name for name in names if name]
        if there - set(names):
            missing = ', '.join(sorted(there - set(names)))
            raise UserError(f'{path} lacks the classes {missing}: add them')
        return names
    known = VOCDataset.METAINFO['classes']
    return list(known) if there <= set(known) else sorted(there)


def _picture(folder: Path, images: Path, stem: str, lost: Counter[str]) -> Picture:
    path = folder / 'Annotations' / f'{stem}.xml'
    try:
        root = ET.parse(path).getroot()
        size = root.find('size')
        annotated = None
        if size is not None:
            annotated = int(size.findtext('width', '')), int(size.findtext('height', ''))
        things = [_thing(item) for item in root.findall('object')]
    except FileNotFoundError:
        raise UserError(f'{path} does not exist, but a list has {stem!r}: restore it') from None
    except (ET.ParseError, ValueError) as error:
        raise UserError(f'{path} is no VOC annotation: {error}: correct it') from None
    for item in root.findall('object'):
        for key in OTHERS:
            lost[f'objects marked {key!r}'] += item.findtext(key) == '1'
        lost['poses'] += item.findtext('pose', 'Unspecified') not in ('', 'Unspecified')
        lost['parts of objects'] += len(item.findall('part'))
    image = Path(image_file(str(images / f'{stem}.jpg'), root.findtext('filename', '')))
    lost['maps of segmentation'] += root.findtext('segmented') == '1'
    return Picture(image, image.name, true_size(image, annotated, path), things)


def _thing(item: ET.Element) -> Thing:
    """Read an object; pixels count from 1, and the last one is in the box."""
    name = (item.findtext('name') or '').strip()
    if not name:
        raise ValueError('an object has no name')
    corners = [
        float(item.findtext(f'bndbox/{k}') or 'nan') for k in ('xmin', 'ymin', 'xmax', 'ymax')
    ]
    if not all(map(math.isfinite, corners)):
        raise ValueError('an object has no bndbox of xmin, ymin, xmax and ymax')
    left, top, right, bottom = corners
    difficult = item.findtext('difficult') == '1'
    return Thing(name, (left - 1, top - 1, right, bottom), difficult=difficult)


def write_content(content: Content, folder: Path, place: Place) -> None:
    """Write ``VOCdevkit/VOC2012``: boxes to whole pixels, crowds as difficult objects."""
    year = folder / 'VOCdevkit' / 'VOC2012'
    for name in ('Annotations', 'JPEGImages', 'ImageSets/Main'):
        (year / name).mkdir(parents=True)
    stems = _stems(content)
    for split, pictures in content.splits.items():
        for picture in progress(pictures, f'writing {split}', 'image'):
            name = f'{stems[picture.path]}{picture.path.suffix}'
            xml = year / 'Annotations' / f'{stems[picture.path]}.xml'
            if not xml.exists():  # an image of several splits
                place(picture.path, year / 'JPEGImages' / name)
                _tree(picture, name, content.lost).write(xml, encoding='utf-8')
        lines = [f'{stems[picture.path]}\n' for picture in pictures]
        (year / 'ImageSets' / 'Main' / f'{split}.txt').write_text(''.join(lines), encoding='utf-8')
    names = [f'{name}\n' for name in content.classes]
    (year / CLASSES).write_text(''.join(names), encoding='utf-8')


def _stems(content: Content) -> dict[Path, str]:
    """Names for a folder without sub-folders; with the split in front where others are the same."""
    found: dict[Path, tuple[str, str]] = {}
    for split, pictures in content.splits.items():
        check_stems([Path(picture.name) for picture in pictures], 'annotation file')
        for picture in pictures:
            stem = str(Path(picture.name).with_suffix('')).replace('/', '_')
            found.setdefault(picture.path, (split, stem))
    counts = Counter(stem for _, stem in found.values())
    names = {path: f'{s}_{stem}' if counts[stem] > 1 else stem for path, (s, stem) in found.items()}
    content.lost['names of images, which others have, too'] += sum(
        v for v in counts.values() if v > 1
    )
    taken: dict[str, Path] = {}
    for path, name in names.items():
        if taken.setdefault(name, path) is not path:
            raise UserError(f'{taken[name]} and {path} would both be {name}: rename one of them')
    return names


def _tree(picture: Picture, name: str, lost: Counter[str]) -> ET.ElementTree:
    root = ET.Element('annotation')
    ET.SubElement(root, 'folder').text = 'VOC2012'
    ET.SubElement(root, 'filename').text = name
    width, height = picture.size
    size = ET.SubElement(root, 'size')
    for key, value in (('width', width), ('height', height), ('depth', 3)):
        ET.SubElement(size, key).text = str(value)
    ET.SubElement(root, 'segmented').text = '0'
    for thing in picture.things:
        lost['outlines, now boxes'] += bool(thing.outlines)
        lost['crowds, now difficult objects'] += thing.crowd
        item = ET.SubElement(root, 'object')
        ET.SubElement(item, 'name').text = thing.name
        ET.SubElement(item, 'pose').text = 'Unspecified'
        ET.SubElement(item, 'truncated').text = '0'
        ET.SubElement(item, 'difficult').text = str(int(thing.crowd or thing.difficult))
        box = ET.SubElement(item, 'bndbox')
        left, top, right, bottom = thing.box
        xs, ys = _pixels(left, right, width), _pixels(top, bottom, height)
        corners = (('xmin', xs[0]), ('ymin', ys[0]), ('xmax', xs[1]), ('ymax', ys[1]))
        for key, value in corners:
            ET.SubElement(box, key).text = str(value)
    ET.indent(root)
    return ET.ElementTree(root)


def _pixels(low: float, high: float, side: int) -> tuple[int, int]:
    """First and last pixel, from 1, of an edge of a box: at least one, and of the image."""
    low, high = max(low, 0), min(high, side)
    first, last = math.floor(low + 0.5) + 1, math.floor(high + 0.5)
    if last < first:
        first, last = math.floor(low) + 1, max(math.ceil(high), math.floor(low) + 1)
    return first, last
