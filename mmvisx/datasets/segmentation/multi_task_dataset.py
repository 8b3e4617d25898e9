"""Images that are annotated for one task, another, or several."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

__all__ = ['MultiTaskDataset']

# What the loader of label maps and the flip read of a source's data info.
_MAP_KEYS = ('seg_map_path', 'label_map', 'reduce_zero_label', 'num_classes', 'mirrored_labels')


@DATASETS.register_module()
class MultiTaskDataset(BaseDataset):
    """Join a segmentation data set for each task into one.

    An image that several data sets have appears once, with a label map of each (D3 of
    Table 3.2); data sets without a common image follow each other (D1 with D2). Shuffled, a
    batch has a random number of images of each task (section 6.1, "Optimization").

    Args:
        tasks: ``{name of the task: config of its data set}`` in the order of the heads. The
            data sets are mmseg's or a ``ConcatDataset`` of such; their own pipelines are not
            used.
        pipeline: Transforms of all images: ``mmvisx.LoadTaskAnnotations`` and
            ``mmvisx.PackTaskInputs`` in the place of mmseg's.
        test_mode: As in :class:`mmengine.dataset.BaseDataset`.
        indices: Which images to use, or how many of the first.
        serialize_data: Share the list of images between the worker processes.
        lazy_init: List the images at the first use.
        max_refetch: How many images in a row the pipeline may drop.

    Raises:
        UserError: No task, a task without an image, or a data set that lists an image twice.

    Source: 002, Table 3.2 and section 4.3.2.
    """

    def __init__(
        self,
        tasks: Mapping[str, dict],
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        indices: int | Sequence[int] | None = None,
        serialize_data: bool = True,
        lazy_init: bool = False,
        max_refetch: int = 1000,
    ) -> None:
        if not tasks:
            raise UserError('MultiTaskDataset: tasks is empty, give {task: data set}')
        self.sources = {task: self._build(task, cfg, test_mode) for task, cfg in tasks.items()}
        metas = {
            task: {key: source.metainfo.get(key) for key in ('classes', 'palette')}
            for task, source in self.sources.items()
        }
        # MMEngine's hooks want one list of classes: that of the first task.
        first = next(iter(metas.values()))
        super().__init__(
            metainfo=dict(first, tasks=metas),
            pipeline=list(pipeline),
            test_mode=test_mode,
            indices=indices,
            serialize_data=serialize_data,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
        )

    @staticmethod
    def _build(task: str, cfg: dict, test_mode: bool) -> Any:
        cfg = dict(cfg)
        if 'datasets' not in cfg:
            cfg['test_mode'] = test_mode
            cfg.setdefault('serialize_data', False)  # it is read once, here
        empty = UserError(
            f'task {task!r} of MultiTaskDataset has no images ({cfg.get("type")}, '
            f'data_root={cfg.get("data_root")}, indices={cfg.get("indices")}): leave the task '
            'out, or correct its data set'
        )
        if cfg.get('indices') in (0, [], ()):  # where MMEngine fails
            raise empty
        try:
            source = DATASETS.build(cfg)
        except UserError as error:
            raise UserError(f'task {task!r} of MultiTaskDataset: {error}') from error
        if len(source) == 0:
            raise empty
        return source

    def load_data_list(self) -> list[dict]:
        """List every image once: ``img_path`` and ``task_maps`` ``{task: where its map is}``.

        Raises:
            UserError: See the class.
        """
        images: dict[str, dict[str, Any]] = {}
        for task, source in self.sources.items():
            for index in range(len(source)):
                info = source.get_data_info(index)
                # Relative and absolute names of one file are the same image.
                image = images.setdefault(
                    os.path.abspath(info['img_path']),
                    dict(img_path=info['img_path'], task_maps={}, seg_fields=[]),
                )
                if task in image['task_maps']:
                    raise UserError(
                        f'{info["img_path"]} is listed twice for the task {task!r}: take it out '
                        'of one of the lists'
                    )
                if info.get('seg_map_path') is not None:
                    image['task_maps'][task] = {k: info[k] for k in _MAP_KEYS if k in info}
        data = list(images.values())
        kinds = Counter(' + '.join(image['task_maps']) or 'no task' for image in data)
        found = ', '.join(f'{count} for {kind}' for kind, count in kinds.items())
        print_log(f'MultiTaskDataset: {len(data)} images: {found}', 'current', logging.INFO)
        return data

    def tasks_of(self, index: int) -> tuple[str, ...]:
        """Return the tasks that an image is annotated for."""
        return tuple(self.get_data_info(index)['task_maps'])
