"""Fit a config to the classes of somebody's own data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvisx.utils.coco_file import read_coco
from mmvisx.utils.errors import UserError
from mmvisx.utils.labelme_file import read_labelme
from mmvisx.utils.tasks import task_of
from mmvisx.utils.yolo_file import read_yolo

from .options import walk

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
EVALUATORS = ('val_evaluator', 'test_evaluator')
# Data sets of class folders, whose names they are registered under.
FOLDERS = ('CustomDataset', 'ImageFolder', 'ImageNet')


def read_classes(values: Sequence[str]) -> tuple[str, ...]:
    """Return class names: the values themselves, or those of a file or folder.

    One value may be a COCO JSON, whose categories are taken in the order of their ids; YOLO's
    ``data.yaml``; a text file with a name a line; or a folder, whose sub-folders are the classes in
    alphabetical order, or the labels of its LabelMe files.

    Raises:
        UserError: The file is missing or no COCO file, the folder has no sub-folder, or a name
            stands twice.
    """
    names: Sequence[str] = values
    if len(values) == 1:
        names = _names_of(values[0])
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if not names or twice:
        raise UserError(f'--classes: names must be there and differ; twice: {twice or "none"}')
    return tuple(names)


def _names_of(value: str) -> list[str]:
    path = Path(value)
    if path.is_dir():
        names = sorted(p.name for p in path.iterdir() if p.is_dir() and p.name[0] != '.')
        files = sorted(path.glob('*.json'))
        if files:
            names = sorted({o.label for file in files for o in read_labelme(file).objects})
        if not names:
            raise UserError(f'--classes: the folder {path} has no sub-folder: one for each class')
        return names
    if path.suffix in ('.yaml', '.yml'):
        return list(read_yolo(path).names)
    if path.suffix == '.txt':
        if not path.is_file():
            raise UserError(f'--classes: {path} does not exist: a text file with a name a line')
        return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if path.suffix != '.json' and not path.is_file():
        if os.sep in value:
            raise UserError(f'--classes: there is no file or folder {value}')
        return [value]
    categories = read_coco(value)['categories']
    return [c['name'] for c in sorted(categories, key=lambda c: c['id'])]


def set_classes(cfg: Config, classes: Sequence[str]) -> None:
    """Give every data set these classes, and every head as many outputs, in place.

    - Detectors: the semantic head of HTC keeps its number: it counts stuff maps' labels.
    - Segmentors: the label of a pixel is the place of its class's name, from 0. The data sets
      become :class:`mmvisx.SegmentationDataset`, whatever labels the recipe's own has.
    - Classifiers: the data sets become :class:`mmvisx.ImageFolder`. Whatever else counts classes
      follows (preprocessor, losses, teacher), and top-5 accuracy of fewer classes is left out.

    Raises:
        UserError: The config has no data set or no head that could be given classes, or its
            task has no classes.
    """
    task_of(cfg).need('classes', '--classes')(cfg, tuple(classes))


def _nodes(root: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Yield path and node of every dict below ``root`` that has the key."""
    for path, node in walk(root or {}):
        if isinstance(node, dict) and key in node:
            yield path, node


def _datasets(cfg: Config, key: str) -> list[Any]:
    return [node for loader in LOADERS for _, node in _nodes(cfg.get(loader), key)]


def _short(kind: Any) -> str:
    return str(kind).rpartition('.')[2]


def set_box_classes(cfg: Config, classes: tuple[str, ...]) -> None:
    """Give a detector's data sets and heads these classes; see :func:`set_classes`."""
    # A folder of LabelMe files has no ann_file.
    keys = ('ann_file', 'data_prefix')
    loaders = [cfg.get(loader) or {} for loader in LOADERS]
    nodes = [node for loader in loaders for _, node in walk(loader) if isinstance(node, dict)]
    datasets = [node for node in nodes if any(key in node for key in keys)]
    heads = [
        n for path, n in _nodes(cfg.get('model'), 'num_classes') if 'semantic_head' not in path
    ]
    _complain('ann_file', datasets, heads)
    for dataset in datasets:
        dataset['metainfo'] = dict(classes=classes)
    for head in heads:
        head['num_classes'] = len(classes)


def _complain(key: str, datasets: list[Any], heads: list[Any]) -> None:
    if not datasets or not heads:
        what = f'data set with {key}' if not datasets else 'head with num_classes'
        raise UserError(f'--classes: the config has no {what}')


def set_mask_classes(cfg: Config, classes: tuple[str, ...]) -> None:
    """Give a segmentor's data sets and head these classes; see :func:`set_classes`."""
    tasks = cfg.get('model', {}).get('task_heads')
    if tasks is not None:
        raise UserError(
            f'--classes: the config has several tasks ({", ".join(tasks)}), each with classes of '
            'its own; write them into a config: metainfo=dict(classes=...) of each of the tasks of '
            'the data sets, and num_classes of each of model.task_heads'
        )
    datasets = _datasets(cfg, 'pipeline')
    heads = [node for _, node in _nodes(cfg.get('model'), 'num_classes')]
    _complain('a pipeline', datasets, heads)
    for dataset in datasets:
        dataset['type'] = 'mmvisx.SegmentationDataset'
        dataset.pop('reduce_zero_label', None)
        dataset['metainfo'] = dict(classes=classes)
        for step in dataset['pipeline']:
            if _short(step['type']) in ('LoadAnnotations', 'LoadSegAnnotations'):
                step['type'] = 'mmvisx.LoadSegAnnotations'  # mmseg's checks nothing
                step.pop('reduce_zero_label', None)
    for head in heads:
        head['num_classes'] = len(classes)


def set_folder_classes(cfg: Config, classes: tuple[str, ...]) -> None:
    """Give a classifier's data sets and head these classes; see :func:`set_classes`."""
    datasets = _datasets(cfg, 'pipeline')
    heads = [node for _, node in _nodes(cfg.get('model'), 'num_classes')]
    _complain('a pipeline', datasets, heads)
    for dataset in datasets:
        if _short(dataset['type']) not in FOLDERS:
            raise UserError(
                f'--classes: {dataset["type"]} reads files of its own, not class folders; take a '
                'recipe whose data sets are mmvisx.ImageFolder or mmvisx.ImageNet'
            )
        split = dataset.pop('split', '')  # ImageNet's name of the folder
        dataset['data_prefix'] = dataset.get('data_prefix') or split
        dataset['type'] = 'mmvisx.ImageFolder'
        dataset['metainfo'] = dict(classes=classes)
    counting = [*heads, *datasets]
    for key in ('data_preprocessor', *EVALUATORS):
        counting += [node for _, node in walk({key: cfg.get(key)}) if isinstance(node, dict)]
    for node in counting:
        if node.get('num_classes') is not None:
            node['num_classes'] = len(classes)
        if 'topk' in node:
            node['topk'] = _possible(node['topk'], len(classes))


def _possible(topk: int | Sequence[int], count: int) -> tuple[int, ...]:
    """Return the k of ``topk`` that ``count`` classes allow, at least 1."""
    wanted = [topk] if isinstance(topk, int) else topk
    return tuple(k for k in wanted if k <= count) or (1,)
