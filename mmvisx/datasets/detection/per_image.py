"""What data sets share whose annotations are a file for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmvisx.utils import UserError

from .checked import CheckedDataset


class PerImageDataset(CheckedDataset):
    """Base class: classes from the files, images in a folder or a list.

    The constructor knows the classes, also with ``lazy_init``.
    """

    def __init__(
        self,
        ann_file: str = '',
        metainfo: Mapping[str, Any] | None = None,
        data_prefix: Mapping[str, str] | None = None,
        max_refetch: int = 100,
        lazy_init: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_prefix=dict(data_prefix or {}),
            max_refetch=max_refetch,
            lazy_init=True,
            **kwargs,
        )
        if not self._metainfo.get('classes'):
            self._metainfo['classes'] = self.read_names()
        if not lazy_init:
            self.full_init()

    def read_names(self) -> tuple[str, ...]:
        """Names of the classes, as the files have them."""
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """``data_prefix['img']``, below ``data_root``.

        Raises:
            UserError: It is not given or does not exist.
        """
        value = self.data_prefix.get('img')
        if not value:
            raise UserError(
                f"{type(self).__name__}: neither ann_file nor data_prefix=dict(img='folder') is "
                'given: give one of them'
            )
        if not Path(value).is_dir():
            raise UserError(f"folder {value} does not exist: check data_prefix['img'], data_root")
        return Path(value)

    def filter_data(self) -> list[dict]:
        """Images that pass ``filter_cfg``: ``filter_empty_gt``, and ``min_size`` of the sides."""
        kept = super().filter_data()
        if self.test_mode:
            return kept
        smallest = (self.filter_cfg or {}).get('min_size', 0)
        return [info for info in kept if min(info['width'], info['height']) >= smallest]

    def record(
        self,
        index: int,
        image: Path,
        size: tuple[int, int],
        objects: Sequence[tuple[str, Sequence[float], list[list[float]]]],
        where: Path,
    ) -> dict[str, Any]:
        """mmdet's record of one image.

        Args:
            index: Of the image; its ``img_id``.
            image: Its path.
            size: Width and height in pixels.
            objects: Class, box (left, top, right, bottom) and polygons of each, in pixels.
            where: The file that the objects stand in.
        """
        width, height = size
        instances = []
        for name, box, polygons in objects:
            x1, y1, x2, y2 = box
            if name not in self._metainfo['classes']:
                self.note(f'class {name!r} that metainfo does not have', str(where))
            elif x2 <= x1 or y2 <= y1:
                self.note('box of no area', str(where))
            elif x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
                self.note('box outside the image', str(where))
            else:
                label = self._metainfo['classes'].index(name)
                instance = dict(bbox=[x1, y1, x2, y2], bbox_label=label, ignore_flag=0)
                instances.append(dict(instance, mask=polygons) if polygons else instance)
        return dict(
            img_path=str(image),
            img_id=index,
            width=width,
            height=height,
            instances=instances,
            seg_map_path=None,
        )
