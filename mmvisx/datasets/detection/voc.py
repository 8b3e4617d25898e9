"""PASCAL VOC data with checks: nothing is skipped in silence."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from typing import Any

from mmdet.datasets import VOCDataset as _VOCDataset

from mmvisx.registry import DATASETS
from mmvisx.utils import UserError

from .checked import CheckedDataset


@DATASETS.register_module()
class VOCDataset(CheckedDataset, _VOCDataset):
    """mmdet's VOC data set; faults of the files are errors or are counted in the log.

    Args:
        max_refetch: How many images in a row a pipeline may drop.

    Raises:
        UserError: The image list or an XML file is missing, or an XML file is broken.
    """

    def __init__(self, max_refetch: int = 100, **kwargs: Any) -> None:
        super().__init__(max_refetch=max_refetch, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Annotations of all images in the list."""
        if not os.path.isfile(self.ann_file):
            raise UserError(
                f'image list {self.ann_file} does not exist: check ann_file and data_root of the '
                'data set (VOC2012/ImageSets/Main/train.txt below VOCdevkit, for example)'
            )
        return super().load_data_list()

    def parse_data_info(self, img_info: dict[str, Any]) -> dict[str, Any]:
        """mmdet's record of one image, without boxes that cannot be used."""
        path = img_info['xml_path']
        try:
            info = super().parse_data_info(img_info)
        except FileNotFoundError as error:
            raise UserError(
                f'file {error.filename or path} does not exist, but {self.ann_file} lists '
                f'{img_info["img_id"]!r}: check data_prefix["sub_data_root"] and the list'
            ) from None
        except ET.ParseError as error:
            raise UserError(
                f'annotation file {path} is no valid XML: {error}: restore it'
            ) from None
        except (AttributeError, TypeError, ValueError) as error:
            raise UserError(
                f'annotation file {path} is no VOC annotation ({error}): every object needs a '
                'name and a bndbox of xmin, ymin, xmax and ymax'
            ) from None
        info['img_path'] = image_file(info['img_path'], self._file_name)
        usable = []
        for instance in info['instances']:
            x1, y1, x2, y2 = instance['bbox']
            if x2 <= x1 or y2 <= y1:
                self.note('box of no area', path)
            elif x2 <= 0 or y2 <= 0 or x1 >= info['width'] or y1 >= info['height']:
                self.note('box outside the image', path)
            else:
                usable.append(instance)
        info['instances'] = usable
        return info

    def _parse_instance_info(self, raw_ann_info: Any, minus_one: bool = True) -> list[dict]:
        self._file_name = raw_ann_info.findtext('filename', '')
        image = self._file_name or 'a file that does not name its image'
        for item in raw_ann_info.findall('object'):
            name = item.findtext('name')
            if name is not None and name not in self._metainfo['classes']:
                self.note(f'class {name!r} that metainfo does not have', image)
        return super()._parse_instance_info(raw_ann_info, minus_one)


def image_file(path: str, name: str) -> str:
    """Path of an image, ``.jpg`` in VOC, or, where that is missing, as the XML file names it."""
    named = os.path.join(os.path.dirname(path), os.path.basename(name))
    return named if name and not os.path.isfile(path) and os.path.isfile(named) else path
