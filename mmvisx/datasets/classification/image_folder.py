"""Classification data with checks: class folders, or a list of files and labels."""

from __future__ import annotations

import logging
import os
from collections import Counter
from typing import Any

from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset
from mmpretrain.datasets import ImageNet as _ImageNet

from mmvisx.registry import DATASETS
from mmvisx.utils import UserError

__all__ = ['ImageFolder', 'ImageNet']


class CheckedLabels(CustomDataset):
    """Base class before mmpretrain's data sets: nothing is skipped or guessed in silence."""

    def __init__(self, *args: Any, num_classes: int | None = None, **kwargs: Any) -> None:
        self.num_classes = num_classes
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """File and label of all images.

        Raises:
            UserError: see :class:`ImageFolder`.
        """
        if not self.with_label:
            return super().load_data_list()
        if not os.path.isdir(self.img_prefix):
            raise UserError(
                f'image folder {self.img_prefix} does not exist: check data_root and data_prefix '
                'of the data set'
            )
        if self.ann_file:
            self._check_list()
        else:
            self._check_folders()
        data = super().load_data_list()
        classes = self.CLASSES
        if classes is not None and self.num_classes not in (None, len(classes)):
            raise UserError(
                f'num_classes={self.num_classes} of the data set, but it has {len(classes)} '
                f'class names; correct one of them'
            )
        count = Counter(item['gt_label'] for item in data)
        where = self.ann_file or self.img_prefix
        print_log(
            f'{where}: {len(data)} images of {len(count)} classes, '
            f'{min(count.values())} to {max(count.values())} a class',
            'current',
        )
        return data

    def _check_folders(self) -> None:
        root = self.img_prefix
        folders = sorted(e.name for e in os.scandir(root) if e.is_dir() and e.name[0] != '.')
        if not folders:
            raise UserError(f'{root} has no class folders: each class is a folder of images')
        expected = self.num_classes if self.CLASSES is None else len(self.CLASSES)
        names = set(self.CLASSES or ())
        if expected not in (None, len(folders)):
            known = names & set(folders)
            extra = sorted(set(folders) - names)[:3] if known else []
            missing = sorted(names - set(folders))[:3] if known else []
            raise UserError(
                f'{root} has {len(folders)} class folders, the config names {expected} classes'
                f'{f" (only in the folder: {extra})" if extra else ""}'
                f'{f" (only in the config: {missing})" if missing else ""}: fit the config to the '
                'folders with --classes FOLDER, or correct metainfo, num_classes or the folders'
            )
        if names == set(folders) and list(self.CLASSES) != folders:
            raise UserError(
                f'the classes in metainfo are the names of the folders of {root}, in another '
                'order: labels follow the alphabet; sort the names'
            )
        others: Counter[str] = Counter()
        for folder in folders:
            images = 0
            for _, _, files in os.walk(os.path.join(root, folder)):
                usable = [name for name in files if self.is_valid_file(name)]
                others.update(os.path.splitext(n)[1] for n in set(files) - set(usable))
                images += len(usable)
            if not images:
                raise UserError(
                    f'class folder {os.path.join(root, folder)} has no image '
                    f'({", ".join(sorted(self.extensions))}): add images or remove the folder'
                )
        if others:
            listed = ', '.join(f'{n} x {ending or "no ending"}' for ending, n in others.items())
            print_log(f'{root}: files that are no images: {listed}', 'current', logging.WARNING)

    def _check_list(self) -> None:
        if not os.path.isfile(self.ann_file):
            raise UserError(
                f'list of images {self.ann_file} does not exist: check data_root and ann_file'
            )
        expected = self.num_classes if self.CLASSES is None else len(self.CLASSES)
        with open(self.ann_file, encoding='utf-8') as file:
            lines = file.read().splitlines()
        if not lines:
            raise UserError(f'list of images {self.ann_file} is empty')
        for number, line in enumerate(lines, 1):
            where = f'{self.ann_file}, line {number}'
            name, _, label = line.strip().rpartition(' ')
            if not name or not label.removeprefix('-').isdigit():
                raise UserError(f'{where}: {line!r} is not a file name and a label, as "a.jpg 3"')
            if int(label) < 0 or (expected is not None and int(label) >= expected):
                limit = f'from 0 to {expected - 1}' if expected is not None else 'from 0'
                raise UserError(f'{where}: label {label} of {name} is not {limit}')


@DATASETS.register_module()
class ImageFolder(CheckedLabels):
    """mmpretrain's ``CustomDataset`` with checks.

    Classes are the folders below ``data_prefix`` in alphabetical order, or, with
    ``ann_file``, each of its lines names an image and its label.

    Args:
        num_classes: How many classes there have to be; for a list of files without
            ``metainfo=dict(classes=...)`` also what its labels are compared with.
        **kwargs: Of :class:`mmpretrain.datasets.CustomDataset`.

    Raises:
        UserError: A folder or list is missing; a class folder has no image; the number of
            class folders or their order is not the config's; a line of the list is not
            ``name label``, or its label is out of range. (An unreadable image is an error
            of ``mmvisx.LoadImageFromFile``, when it is read.)
    """


@DATASETS.register_module()
class ImageNet(CheckedLabels, _ImageNet):
    """mmpretrain's ``ImageNet`` (``split='train'`` or ``'val'``) with the same checks.

    ``train/`` has a folder for each of the 1,000 classes; ``val/`` has these as well, or
    all images, with their labels in ``meta/val.txt``.
    """
