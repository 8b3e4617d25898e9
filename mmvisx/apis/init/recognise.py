"""Which format data have, and why."""

from __future__ import annotations

from pathlib import Path

from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar

from .formats import FORMATS, Format
from .formats.coco import Coco
from .formats.masks import coloured_maps, lonely_maps
from .formats.yolo import Yolo
from .scan import Scan, json_kind, scan

__all__ = ['recognise']


def recognise(path: Path, kind: str | None = None) -> Format:
    """Return the data below a folder, or those of one COCO JSON or ``data.yaml``.

    Args:
        path: The folder or file.
        kind: One of :data:`FORMATS`; by default the only one that is there.

    Raises:
        UserError: There is nothing, nothing of the format, or more than one format.
    """
    if kind is not None and kind not in FORMATS:
        raise UserError(f'--format {kind}{similar(kind, FORMATS)}: one of {", ".join(FORMATS)}')
    if path.is_file():
        return _of_file(path)
    seen = scan(path)
    if kind is not None:
        data = FORMATS[kind].find(seen)
        if data is None:
            raise UserError(f'--format {kind}: {path} has no such data; it has {seen.table()}')
        return data
    found = [data for name, f in FORMATS.items() if name != 'folders' and (data := f.find(seen))]
    if not found:  # folders may be classes only where nothing else says what the images are
        found = [data for data in [FORMATS['folders'].find(seen)] if data]
    if not found:
        raise UserError(_nothing(seen))
    if len(found) > 1:
        listed = '; '.join(f'{data.name} ({data.why})' for data in found)
        raise UserError(
            f'{path} has data of {len(found)} formats: {listed}. There are {seen.table()}. Say '
            f'which to use: --format {" or --format ".join(data.name for data in found)}'
        )
    return found[0]


def _of_file(path: Path) -> Format:
    # The images lie beside the annotations, or beside the folder that these are in.
    if path.suffix.lower() in ('.yaml', '.yml'):
        return Yolo.of_file(path.parent, path)
    if json_kind(path) != 'coco':
        raise UserError(f'{path} is no folder, no COCO instances JSON and no data.yaml')
    for root in (path.parent, path.parent.parent):
        seen = scan(root)
        if seen.with_images:
            break
    data = Coco.of_files(seen, [path])
    assert data is not None
    return data


def _nothing(seen: Scan) -> str:
    images = sum(len(folder.images) for folder in seen.with_images)
    hint = 'put annotations beside the images' if images else 'there is no image'
    if any('.xml' in folder.files for folder in seen.folders.values()):
        hint = 'XML files in another layout than VOC: see mmvisx dataset xml-to-voc'
    lonely = lonely_maps(seen)
    if lonely is not None:
        hint = f'{lonely} may be a label map, but no image has its name, and needs to'
    coloured = coloured_maps(seen)
    if coloured is not None:
        hint = f'the PNGs of {coloured} have several channels, a label map has a number a pixel'
    return (
        f'{seen.root}: no data of a known format ({", ".join(FORMATS)}): {hint}. There are '
        f'{seen.table()}. If they are of one of the formats, --format says why they are not read'
    )
