"""YOLO data, read as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvisx.datasets.image_file import file_size
from mmvisx.registry import DATASETS
from mmvisx.utils import UserError
from mmvisx.utils.progress import progress
from mmvisx.utils.yolo_file import YoloData, YoloObject, read_labels, read_yolo

from .per_image import PerImageDataset
from .yolo_files import image_labels, split_labels


@DATASETS.register_module()
class YoloDataset(PerImageDataset):
    """Boxes and polygons of a YOLO data set, as Ultralytics' tools write and read them.

    The labels of an image stand at its path with the last folder ``images`` replaced by
    ``labels``, and ``.txt`` for its ending. An empty or missing file is an image without objects.
    A line of five numbers is a box (an object without a mask), of seven, nine, eleven, ... a class
    and the points of a polygon. Sizes are those of the image as it is loaded, turned as its EXIF
    data say. ``img_id`` is the place of the image among all of the split.

    Args:
        ann_file: A ``data.yaml``; or a list of images, a text file with a path a line, relative to
            ``data_prefix['img']`` or to the folder of the list; or nothing: all images of
            ``data_prefix['img']`` and below.
        split: Which images of the ``data.yaml``: ``'train'``, ``'val'`` or ``'test'``.
        metainfo: ``dict(classes=...)``. With a ``data.yaml`` the classes to use, found by their
            names, by default all; without one the names in the order of their numbers.
        data_prefix: ``dict(img='folder of the images')``, without a ``data.yaml``.
        max_refetch: How many images in a row a pipeline may drop.
        lazy_init: Read the labels when they are first asked for.
        **kwargs: As ``data_root``, ``pipeline``, ``filter_cfg`` and ``test_mode`` of mmdet.

    Raises:
        UserError: The ``data.yaml``, a list or a label is faulty (file and line are named), the
            classes are not known, an image of a list or the image of a label is missing, two images
            share a file of labels, or (but in ``test_mode``) no image has one.
    """

    def __init__(self, ann_file: str = '', split: str = 'train', **kwargs: Any) -> None:
        self.split = split
        self._data: YoloData | None = None
        super().__init__(ann_file=ann_file, **kwargs)

    def _read_yaml(self) -> YoloData | None:
        if self._data is None and self.ann_file.endswith(('.yaml', '.yml')):
            self._data = read_yolo(self.ann_file)
        return self._data

    def read_names(self) -> tuple[str, ...]:
        """Names of the ``data.yaml``."""
        data = self._read_yaml()
        if data is None:
            raise UserError(
                'YoloDataset: the labels have numbers only and no data.yaml says their names: give '
                "ann_file='data.yaml' or metainfo=dict(classes=('cat', ...)) in the order of the "
                'numbers'
            )
        return data.names

    def _pairs(self) -> list[tuple[Path, Path]]:
        data = self._read_yaml()
        if data is not None:
            return split_labels(self.ann_file, data, self.split)
        if not self.ann_file:
            return image_labels([self.folder])
        root = self.folder if self.data_prefix.get('img') else None
        return image_labels([Path(self.ann_file)], root)

    def load_data_list(self) -> list[dict]:
        """Images and labels of the split."""
        self.start_notes()
        data, pairs = self._read_yaml(), self._pairs()
        names = self._metainfo['classes'] if data is None else data.names
        found, labelled = [], 0
        for index, (image, path) in enumerate(progress(pairs, 'reading labels')):
            objects = read_labels(path, names)
            labelled += objects is not None
            size = file_size(image)
            scaled = [in_pixels(item, names, size) for item in objects or ()]
            found.append(self.record(index, image, size, scaled, path))
        if not labelled and not self.test_mode:
            image, path = pairs[0]
            raise UserError(
                f'none of the {len(pairs)} images has a file of labels: the one of {image} should '
                f'be {path}; put the labels there'
            )
        return found


def in_pixels(
    item: YoloObject, names: Sequence[str], size: tuple[int, int]
) -> tuple[str, list[float], list[list[float]]]:
    """Class, box (left, top, right, bottom) and polygons of an object in pixels.

    Args:
        item: The object.
        names: Of the classes.
        size: Width and height of the image.
    """
    box = [value * size[k % 2] for k, value in enumerate(item.box)]
    polygon = [value * size[k % 2] for k, value in enumerate(item.polygon)]
    return names[item.index], box, [polygon] if polygon else []
