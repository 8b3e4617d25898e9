"""Fit a config to the classes of somebody's own data."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mmengine.config import Config

from .config import walk
from .errors import UserError

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def read_classes(values: Sequence[str]) -> tuple[str, ...]:
    """Return class names: the values themselves, or the categories of one COCO JSON.

    Categories are taken in the order of their ids.

    Raises:
        UserError: The file is missing or no COCO file, or a name stands twice.
    """
    names: Sequence[str] = values
    if len(values) == 1 and (values[0].endswith('.json') or os.path.isfile(values[0])):
        from mmvisx.datasets.coco_json import read_coco

        categories = read_coco(values[0])['categories']
        names = [c['name'] for c in sorted(categories, key=lambda c: c['id'])]
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if not names or twice:
        raise UserError(f'--classes: names must be there and differ; twice: {twice or "none"}')
    return tuple(names)


def set_classes(cfg: Config, classes: Sequence[str]) -> None:
    """Give every data set these classes, and every head as many outputs, in place.

    The semantic head of HTC keeps its number: it counts stuff maps' labels.

    Raises:
        UserError: The config has no data set or no head with ``num_classes``.
    """
    datasets = [
        node
        for loader in LOADERS
        for _, node in walk(cfg.get(loader) or {})
        if isinstance(node, dict) and 'ann_file' in node
    ]
    heads = [
        node
        for path, node in walk(cfg.get('model') or {})
        if isinstance(node, dict) and 'num_classes' in node and 'semantic_head' not in path
    ]
    if not datasets or not heads:
        what = 'data set with ann_file' if not datasets else 'head with num_classes'
        raise UserError(f'--classes: the config has no {what}')
    for dataset in datasets:
        dataset['metainfo'] = dict(classes=tuple(classes))
    for head in heads:
        head['num_classes'] = len(classes)
