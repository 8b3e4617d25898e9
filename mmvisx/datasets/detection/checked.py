"""What all our data sets check and report, whatever their format."""

from __future__ import annotations

import logging
import os
from collections import Counter
from typing import Any

from mmdet.datasets import BaseDetDataset
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmvisx.datasets.image_file import vanishing
from mmvisx.datasets.transforms.loading import LoadImageFromFile
from mmvisx.utils import UserError
from mmvisx.utils.inside import check_inside

TRIED = 16
"""Images, evenly spread, that are loaded before the first iteration: a wrong folder, exchanged
sizes and turned photographs show in any of them, also in those of a validation."""


def roots_of(dataset: BaseDataset) -> list[str]:
    """Return the folders that the data of a data set stand in, as its config has them."""
    prefixes = [value for value in dataset.data_prefix.values() if isinstance(value, str)]
    if dataset.data_root:
        return [dataset.data_root, *prefixes]
    return [os.path.dirname(os.path.abspath(dataset.ann_file)), *prefixes]


class CheckedDataset(BaseDetDataset):
    """Base class before an mmdet data set: counts what it skips, never waits forever.

    Args:
        *args: As in mmdet.
        allow_outside: Take images that the annotations name outside of ``data_root`` (without one:
            of the folders of ``ann_file`` and ``data_prefix``).
        **kwargs: As in mmdet.
    """

    skipped: Counter[str]
    examples: dict[str, str]
    _dropped = 0

    def __init__(self, *args: Any, allow_outside: bool = False, **kwargs: Any) -> None:
        self.allow_outside = allow_outside
        super().__init__(*args, **kwargs)

    def note(self, problem: str, example: str) -> None:
        """Count a problem of the annotations and keep its first example."""
        self.skipped[problem] += 1
        self.examples.setdefault(problem, example)

    def load_data_list(self) -> list[dict]:
        """Annotations of all images, before any is filtered."""
        self.start_notes()
        return super().load_data_list()

    def start_notes(self) -> None:
        """Forget the problems that were counted."""
        self.skipped, self.examples = Counter(), {}

    def filter_data(self) -> list[dict]:
        """Images that pass ``filter_cfg``; logs what was found and what was skipped.

        Raises:
            UserError: No image is left, or, to train on, no object but crowds; the pipeline leaves
                nothing of the narrowest image; one of :data:`TRIED` images is missing, broken or of
                another size than its annotations; an image lies outside of the data root.
        """
        before = self.data_list
        self._check_places(before)
        kept = super().filter_data()
        if not self.test_mode and (self.filter_cfg or {}).get('filter_empty_gt'):
            kept = [info for info in kept if info['instances']]
        objects = sum(len(info['instances']) for info in before)
        empty = sum(not info['instances'] for info in before)
        where = self.ann_file or self.data_prefix.get('img', '')
        found = f'{len(before)} images, {objects} objects, {empty} images without objects'
        skipped = [
            f'{count} x {problem} (first: {self.examples[problem]})'
            for problem, count in self.skipped.items()
        ]
        sought = any(not i.get('ignore_flag') for info in before for i in info['instances'])
        if not kept or (not sought and (skipped or not self.test_mode)):
            reasons = f' Skipped: {"; ".join(skipped)}.' if skipped else ''
            left = 'no image'
            if kept:
                left = 'no object but crowds and difficult ones' if objects else 'no object'
            raise UserError(
                f'{where}: {left} is left to use ({found}; filter_cfg='
                f'{self.filter_cfg}).{reasons} Check the annotations with '
                'tools/datasets/check_dataset.py, and filter_cfg'
            )
        self._try(kept)
        classes = len(self.metainfo['classes'])
        print_log(f'{where}: {found}, {classes} classes; uses {len(kept)} images', 'current')
        if skipped:
            listed = '\n'.join(f'  {line}' for line in skipped)
            print_log(f'{where}: skipped or odd\n{listed}', 'current', logging.WARNING)
        return kept

    def _try(self, kept: list[dict]) -> None:
        """Look for what would stop the pipeline, before the first iteration."""
        steps = self.pipeline.transforms
        thin = max(kept, key=_narrowness)
        fault = vanishing(thin['width'], thin['height'], steps)
        if fault is not None:
            raise UserError(f'{self.ann_file}: image {thin["img_path"]} {fault}')
        loaders = [step for step in steps if isinstance(step, LoadImageFromFile)]
        for info in kept[:: -(-len(kept) // TRIED)] if loaders else ():
            loaders[0].transform(dict(info))

    def _check_places(self, infos: list[dict]) -> None:
        if not self.allow_outside:
            keys = ('img_path', 'seg_map_path', 'xml_path')
            paths = (info[key] for info in infos for key in keys if info.get(key))
            check_inside(paths, roots_of(self), self.ann_file or type(self).__name__)

    def prepare_data(self, idx: int) -> Any:
        """Image ``idx`` after the pipeline; None if the pipeline dropped it.

        Raises:
            UserError: The pipeline drops one image after the other, or drops one in test
                mode, where none can take its place.
        """
        data = super().prepare_data(idx)
        if data is not None:
            self._dropped = 0
            return data
        self._dropped += 1
        path = self.get_data_info(idx)['img_path']
        if self.test_mode:
            raise UserError(f'the test pipeline dropped {path}: it must keep every image')
        if self._dropped > self.max_refetch:
            raise UserError(
                f'the pipeline dropped {self._dropped} images in a row, the last one {path}: '
                'check the transforms that may return None (random crops, filters by box size, '
                'ignore_empty) and the boxes of the data set'
            )
        return None


def _narrowness(info: dict[str, Any]) -> float:
    sides = info['width'], info['height']
    return max(sides) / max(min(sides), 1)
