"""What all our data sets check and report, whatever their format."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from mmdet.datasets import BaseDetDataset
from mmengine.logging import print_log

from mmvisx.utils import UserError


class CheckedDataset(BaseDetDataset):
    """Base class before an mmdet data set: counts what it skips, never waits forever."""

    skipped: Counter[str]
    examples: dict[str, str]
    _dropped = 0

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
            UserError: No image is left, or not one of the annotated objects.
        """
        before = self.data_list
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
        if not kept or (skipped and not objects):
            reasons = f' Skipped: {"; ".join(skipped)}.' if skipped else ''
            left = 'no object' if kept else 'no image'
            raise UserError(
                f'{where}: {left} is left to use ({found}; filter_cfg='
                f'{self.filter_cfg}).{reasons} Check the annotations with '
                'tools/datasets/check_dataset.py, and filter_cfg'
            )
        classes = len(self.metainfo['classes'])
        print_log(f'{where}: {found}, {classes} classes; uses {len(kept)} images', 'current')
        if skipped:
            listed = '\n'.join(f'  {line}' for line in skipped)
            print_log(f'{where}: skipped or odd\n{listed}', 'current', logging.WARNING)
        return kept

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
