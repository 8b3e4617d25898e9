"""What our segmentation data sets check before anything is trained."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.datasets import LIPDataset as _LIPDataset
from mmseg.datasets import PascalVOCDataset as _PascalVOCDataset

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError
from mmvisx.utils.inside import check_inside

from .seg_files import IMAGE_SUFFIXES, find_images

__all__ = [
    'CheckedSegDataset',
    'LIPDataset',
    'PascalVOCDataset',
    'SegmentationDataset',
    'mirrored_labels',
]

LIP_SIDES = ('arm', 'leg', 'shoe')


def mirrored_labels(metainfo: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the pairs of labels of ``mirrored_classes``, whose names stand in ``classes``."""
    classes = list(metainfo['classes'])
    return [
        (classes.index(one), classes.index(other))
        for one, other in metainfo.get('mirrored_classes', ())
        if one in classes and other in classes
    ]


def _read_lines(path: str) -> list[str]:
    with open(path, encoding='utf-8') as file:
        return [line.strip() for line in file if line.strip()]


class CheckedSegDataset(BaseSegDataset):
    """Base class before an mmseg data set: every image has its label map, and there are some.

    mmseg finds a missing file when a worker reads it, hours into a training. With every image go
    ``num_classes``, so that :class:`mmvisx.datasets.transforms.LoadSegAnnotations` can check the
    labels, and ``mirrored_labels``, pairs of labels that change places in a mirror, for
    :class:`mmvisx.datasets.transforms.RandomFlip`. The latter are those of
    ``metainfo['mirrored_classes']``, pairs of names.
    """

    def load_data_list(self) -> list[dict]:
        """List the images and label maps.

        Raises:
            UserError: A folder or the list is absent, no image is listed, or an image or a
                label map is missing or outside of the data root.
        """
        for key in ('img_path', 'seg_map_path'):
            folder = self.data_prefix.get(key)
            if folder is not None and not os.path.isdir(folder):
                raise UserError(
                    f'data_prefix[{key!r}] of {type(self).__name__}: the folder {folder} does not '
                    'exist; check data_root and data_prefix'
                )
        if self.ann_file and not os.path.exists(self.ann_file):
            raise UserError(f'ann_file {self.ann_file}, the list of images, does not exist')
        data = self._list()
        source = self.ann_file or self.data_prefix['img_path']
        if not data:
            endings = ', '.join([self.img_suffix] if self.img_suffix else IMAGE_SUFFIXES)
            raise UserError(f'{source} lists no image ({endings}): a data set needs one')
        check_inside(
            (info[key] for info in data for key in ('img_path', 'seg_map_path') if key in info),
            [self.data_root or '', *(v for v in self.data_prefix.values() if v)],
            source,
        )
        for key, what in (('img_path', 'image'), ('seg_map_path', 'label map')):
            absent = [d[key] for d in data if key in d and not os.path.isfile(d[key])]
            if absent:
                raise UserError(
                    f'{absent[0]} does not exist: {len(absent)} of the {len(data)} images of '
                    f'{source} have no {what}. Add the file, or take its name off the list'
                )
        classes = len(self.metainfo['classes'])
        mirrored = mirrored_labels(self.metainfo)
        for info in data:
            info.update(num_classes=classes, mirrored_labels=mirrored)
        print_log(f'{source}: {len(data)} images, {classes} classes', 'current', logging.INFO)
        return data

    def _list(self) -> list[dict]:
        listed: list[dict] = super().load_data_list()
        return listed


@DATASETS.register_module()
class SegmentationDataset(CheckedSegDataset):
    """Any images with a label map each; the class names come with ``metainfo``.

    A label map is a PNG with one channel, grey or with a palette, of the size of its image and
    with the same name. Its numbers are classes: 0 is the first of ``metainfo['classes']``, 255 is
    ignored. ``tools/datasets/check_dataset.py IMAGES --masks MASKS`` checks the folders::

        dict(
            type='mmvisx.SegmentationDataset',
            data_root='data/mine',
            data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
            metainfo=dict(classes=('background', 'cat', 'dog')),
            pipeline=[...],  # with mmvisx.LoadSegAnnotations
        )

    Classes that change places in a mirror, a left and a right hand, are named in pairs,
    ``mirrored_classes=[('left hand', 'right hand')]`` of ``metainfo``, for ``mmvisx.RandomFlip``.

    Args:
        ann_file: List of names without ending, one a line; by default all images of the folder.
        img_suffix: Ending of the images; by default any of :data:`IMAGE_SUFFIXES`.
        kwargs: As :class:`mmseg.datasets.BaseSegDataset`: ``data_root``, ``data_prefix``,
            ``metainfo``, ``pipeline``, ``seg_map_suffix='.png'`` and others.

    Raises:
        UserError: ``metainfo`` has no classes, or two images differ in their endings only; see
            also the base class.
    """

    def __init__(self, ann_file: str = '', img_suffix: str | None = None, **kwargs: Any) -> None:
        super().__init__(ann_file=ann_file, img_suffix=img_suffix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images and label maps."""
        if not self.metainfo.get('classes'):
            raise UserError(
                'SegmentationDataset needs metainfo=dict(classes=(...)), one name a label from 0'
            )
        return super().load_data_list()

    def _list(self) -> list[dict]:
        if self.img_suffix is not None:
            return super()._list()
        root, maps = self.data_prefix['img_path'], self.data_prefix.get('seg_map_path')
        images = find_images(root, maps, self.seg_map_suffix)
        names = _read_lines(self.ann_file) if self.ann_file else list(images)
        data = []
        for name in names:
            info = dict(
                img_path=images.get(name, os.path.join(root, f'{name}.*')),
                label_map=self.label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=[],
            )
            if maps is not None:
                info['seg_map_path'] = os.path.join(maps, name + self.seg_map_suffix)
            data.append(info)
        return data


@DATASETS.register_module()
class PascalVOCDataset(CheckedSegDataset, _PascalVOCDataset):
    """VOC's 20 classes and the background, with the checks of the base class."""

    def __init__(self, ann_file: str, **kwargs: object) -> None:
        # mmseg's constructor asserts what the base class explains.
        BaseSegDataset.__init__(self, ann_file=ann_file, **kwargs)


@DATASETS.register_module()
class LIPDataset(CheckedSegDataset, _LIPDataset):
    """The 19 parts and the background of LIP's multi-person images (CIHP).

    Label 10 is the torso's skin; in LIP's single-person images, which are mmseg's class of this
    name, it is a jumpsuit.

    Source: 002, Table 3.2 (D2).
    """

    METAINFO: ClassVar[dict] = {
        **_LIPDataset.METAINFO,
        'classes': tuple(
            'Torso-skin' if name == 'Jumpsuits' else name
            for name in _LIPDataset.METAINFO['classes']
        ),
        'mirrored_classes': tuple((f'Left-{part}', f'Right-{part}') for part in LIP_SIDES),
    }
