"""What the configs of all tasks have in common."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmvisx.apis.init.formats import Format
from mmvisx.apis.init.machine import Machine
from mmvisx.apis.init.statistics import Statistics

from .text import Code, Entry

__all__ = ['Plan', 'Request', 'epochs_for', 'loaders', 'schedule', 'start_entries', 'start_of']


@dataclass(frozen=True)
class Request:
    """What a config is written for.

    Attributes:
        data: The format, with the parts ``'train'`` and ``'val'``.
        train: What the training part measures.
        val: What the validation part measures.
        machine: That will train.
        weights: Checkpoint that the user gave.
        seed: Of the training.
    """

    data: Format
    train: Statistics
    val: Statistics
    machine: Machine
    weights: Path | None = None
    seed: int = 0

    @property
    def full(self) -> bool:
        """Whether the network is the full one, which a GPU can train."""
        return self.machine.gpu_memory > 0

    @property
    def same(self) -> bool:
        """Whether the images of the training are those of the validation, too."""
        return self.data.parts['train'] == self.data.parts['val']

    def arguments(self, part: str) -> dict[str, Any]:
        """Return what the data set of a part is built from, without pipeline."""
        arguments = self.data.arguments(self.data.parts[part])
        kind = dict(type=arguments.pop('type'), data_root=Code('data_root'))
        return dict(_delete_=True, **kind, metainfo=Code('dict(classes=classes)'), **arguments)


@dataclass
class Plan:
    """A config that is not laid out.

    Attributes:
        entries: In the order of the file.
        summary: Lines for the user: ``{what: how}``.
        checkpoint: Name of the last checkpoint.
    """

    entries: list[Entry]
    summary: dict[str, str]
    checkpoint: str


def epochs_for(images: int, batch: int, iterations: int, least: int) -> int:
    """Return epochs that make ``iterations`` steps or more, and at least ``least`` of them."""
    return max(least, math.ceil(iterations / math.ceil(images / batch)))


def loaders(request: Request, batch: int, extra: dict[str, Any] | None = None) -> list[Entry]:
    """Return the entries of the loaders of training, validation and test.

    Args:
        request: What is asked for.
        batch: Images a step.
        extra: Arguments of the training data set.
    """
    workers = request.machine.workers()
    # A process without work to do for it would end with every epoch.
    common = dict(num_workers=workers, persistent_workers=workers > 0)
    train = dict(request.arguments('train'), **(extra or {}), pipeline=Code('train_pipeline'))
    val = dict(request.arguments('val'), test_mode=True, pipeline=Code('test_pipeline'))
    where = 'The images of the training again: they say nothing about others.'
    return [
        Entry(
            'train_dataloader',
            dict(batch_size=batch, **common, dataset=train),
            f'batch_size and num_workers suit {request.machine}; if memory runs out, halve '
            'batch_size and the learning rate.',
        ),
        Entry('val_dataloader', dict(**common, dataset=val), where if request.same else ''),
        Entry('test_dataloader', Code('val_dataloader')),
    ]


def schedule(epochs: int, steps: int, rate: dict[str, Any], comment: str) -> list[Entry]:
    """Return the entries of a warm-up and one wave of the cosine, counted in epochs.

    Args:
        epochs: Of the training.
        steps: Of an epoch.
        rate: The entry ``optim_wrapper``.
        comment: Above the length.
    """
    every = max(1, epochs // 5)
    warm_up = min(500, max(1, epochs * steps // 10))
    cosine = dict(
        type='CosineAnnealingLR',
        eta_min=0,
        by_epoch=True,
        begin=0,
        end=Code('max_epochs'),
        T_max=Code('max_epochs'),
        convert_to_iter_based=True,
    )
    start = dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=warm_up)
    return [
        Entry('max_epochs', epochs, comment),
        Entry('train_cfg', dict(max_epochs=Code('max_epochs'), val_interval=every)),
        Entry('optim_wrapper', rate),
        Entry('param_scheduler', [start, cosine]),
        Entry(
            'default_hooks',
            dict(
                logger=dict(interval=max(1, min(50, steps))),
                checkpoint=dict(interval=every, max_keep_ckpts=2),
            ),
            'A line of the log, and a checkpoint whenever the validation part is evaluated.',
        ),
    ]


def start_of(request: Request, name: str) -> tuple[Path | None, str]:
    """Return the file to start from, and what to say about it.

    Args:
        request: What is asked for; the file that was given goes before the cache's.
        name: How the files of torchvision's weights begin, as ``'resnet50'``.
    """
    if request.weights is not None:
        return request.weights, f'starts from {request.weights}'
    if not request.full:
        return None, 'from scratch: there are no pretrained weights of a network this small'
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    found = sorted(folder.glob(f'{name}-*.pth'), key=os.path.getmtime)
    if found:
        return found[-1], f"starts from torchvision's {name}, {found[-1]}"
    return None, (
        f"from scratch, which needs more data and time: torchvision's {name} is not in {folder}; "
        '--weights FILE takes it from elsewhere'
    )


def start_entries(request: Request, weights: Path | None) -> list[Entry]:
    """Return the entry that names the weights, of a full network those of its backbone."""
    if weights is None:
        return []
    return [Entry('weights' if request.full else 'load_from', str(weights))]
