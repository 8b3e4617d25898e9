"""CamVid's road scenes with 11 classes."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, ClassVar

from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

UNLABELLED = 11


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """CamVid in the layout of SegNet's tutorial: PNG images, PNG label maps with 0 to 11.

    All images of the folder count; lists of files are not read. 11 marks pixels without a
    label and becomes 255, which losses and metrics leave out.

    Args:
        data_prefix: Folders of images and of label maps with the same names, for example
            ``dict(img_path='train', seg_map_path='trainannot')``.
        kwargs: As :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        UserError: A folder is absent or holds no PNG, or a label map is missing.
    """

    METAINFO: ClassVar[dict] = {
        'classes': (
            'sky',
            'building',
            'pole',
            'road',
            'pavement',
            'tree',
            'sign',
            'fence',
            'car',
            'pedestrian',
            'bicyclist',
        ),
        'palette': [
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [60, 40, 222],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    }

    def __init__(self, data_prefix: dict[str, str], **kwargs: Any) -> None:
        super().__init__(
            img_suffix='.png', seg_map_suffix='.png', data_prefix=data_prefix, **kwargs
        )

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> dict[int, int]:
        """Return the new number of each class that changes: 255 for pixels without a label."""
        return {**(super().get_label_map(new_classes) or {}), UNLABELLED: 255}

    def load_data_list(self) -> list[dict]:
        """List the images and label maps of the folders.

        Raises:
            UserError: See the class.
        """
        for key in ('img_path', 'seg_map_path'):
            folder = self.data_prefix.get(key)
            if not folder or not os.path.isdir(folder):
                raise UserError(
                    f'{key} {folder} of CamVid does not exist: check data_root and data_prefix'
                )
        data = super().load_data_list()
        if not data:
            raise UserError(f'no .png in {self.data_prefix["img_path"]}')
        absent = [d['seg_map_path'] for d in data if not os.path.isfile(d['seg_map_path'])]
        if absent:
            raise UserError(
                f'{absent[0]} does not exist: {len(absent)} of {len(data)} images have no label map'
            )
        print_log(f'{self.data_prefix["img_path"]}: {len(data)} images', 'current', logging.INFO)
        return data
