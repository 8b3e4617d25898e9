"""LabelMe data, read as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmvisx.datasets.image_file import file_size
from mmvisx.registry import DATASETS
from mmvisx.utils import UserError
from mmvisx.utils.labelme_file import LabelMeFile, read_labelme
from mmvisx.utils.progress import progress

from .image_list import files_below, listed
from .per_image import PerImageDataset


@DATASETS.register_module()
class LabelMeDataset(PerImageDataset):
    """Boxes and outlines of a folder of LabelMe files: JSON, one for each image.

    Rectangles are boxes (objects without a mask), polygons and circles outlines; shapes with the
    same label and ``group_id`` are parts of one object. Shapes without an area and masks drawn by
    pixels are counted in the log and left out. The image is at ``imagePath``, from the folder of
    the file; an image without a file is not used. ``img_id`` is the place of the file among all.

    Args:
        ann_file: A list, a text file with the path of a LabelMe file a line, relative to
            ``data_prefix['img']`` or to the folder of the list; or nothing: all ``*.json`` of
            ``data_prefix['img']`` and below.
        metainfo: ``dict(classes=...)``. By default the labels of all the files in alphabetical
            order: give them where two folders are read, which may not have the same.
        data_prefix: ``dict(img='folder of the LabelMe files')``.
        max_refetch: How many images in a row a pipeline may drop.
        lazy_init: Read the files when they are first asked for (the classes, if not given, at
            once).
        **kwargs: As ``data_root``, ``pipeline``, ``filter_cfg`` and ``test_mode`` of mmdet.

    Raises:
        UserError: A file is faulty, the list, a file or an image is missing, or two files are of
            one image.
    """

    def __init__(self, ann_file: str = '', **kwargs: Any) -> None:
        self._files: list[tuple[Path, LabelMeFile]] | None = None
        super().__init__(ann_file=ann_file, **kwargs)

    def _read(self) -> list[tuple[Path, LabelMeFile]]:
        if self._files is None:
            self._files = read_folder(self._paths())
        return self._files

    def _paths(self) -> list[Path]:
        if self.ann_file:
            path = Path(self.ann_file)
            roots = [self.folder] if self.data_prefix.get('img') else []
            return listed(path, [*roots, path.parent])
        paths = files_below(self.folder, ('.json',))
        if not paths:
            raise UserError(f'{self.folder} has no LabelMe file (*.json): check the path')
        return paths

    def read_names(self) -> tuple[str, ...]:
        """Labels of all the files in alphabetical order."""
        names = sorted({item.label for _, file in self._read() for item in file.objects})
        if not names:
            raise UserError(f'{self.ann_file or self.folder}: the files have no object: draw some')
        return tuple(names)

    def load_data_list(self) -> list[dict]:
        """Images and shapes of all the files."""
        self.start_notes()
        found = []
        for index, (path, file) in enumerate(progress(self._read(), 'reading sizes')):
            for kind in file.others:
                self.note(f'shape of type {kind!r}', str(path))
            size = file.size or file_size(file.image)
            objects = [(item.label, item.box, item.polygons) for item in file.objects]
            found.append(self.record(index, file.image, size, objects, path))
        self._files = None  # as large as what was made of them
        return found


def read_folder(paths: list[Path]) -> list[tuple[Path, LabelMeFile]]:
    """Read LabelMe files.

    Raises:
        UserError: A file is faulty, its image is missing, or two are of one image.
    """
    found = []
    images: dict[Path, Path] = {}
    for path in progress(paths, 'reading LabelMe files'):
        file = read_labelme(path)
        if not file.image.is_file():
            raise UserError(
                f'{path}: imagePath: there is no image {file.image}: restore it or correct the path'
            )
        other = images.setdefault(file.image.resolve(), path)
        if other is not path:
            raise UserError(f'{other} and {path} are both of {file.image}: remove one of the two')
        found.append((path, file))
    return found
