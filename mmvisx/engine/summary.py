"""What a run is about, in a few words: its network, data, length, first weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn

from mmvisx.utils.modules import class_name, unwrap

__all__ = ['data_of', 'length_of', 'model_of', 'shown_path', 'weights_of']

FEW = 6  # classes that are listed


def model_of(runner: Runner) -> str:
    """Return recipe, network, its size, and what it runs on."""
    model = unwrap(runner.model)
    count = sum(parameter.numel() for parameter in model.parameters())
    device = next((p.device for p in model.parameters()), torch.device('cpu'))
    place = torch.cuda.get_device_name(device) if device.type == 'cuda' else device.type
    if runner.world_size > 1:
        place = f'{runner.world_size} x {place}'
    name = f'{Path(runner.cfg.filename).stem}: ' if runner.cfg.filename else ''
    return f'{name}{class_name(model)}, {count / 1e6:.2f} M parameters, on {place}'


def data_of(loader: Any) -> str:
    """Return where the images of a data loader are from, how many, and of which classes."""
    dataset = loader.dataset
    while hasattr(dataset, 'dataset'):  # repeated, balanced, mixed ...
        dataset = dataset.dataset
    parts = getattr(dataset, 'datasets', [dataset])  # joined
    places = dict.fromkeys(filter(None, map(_place, parts)))
    count = f'{len(loader.dataset):,} images'
    if len(loader.dataset) != len(dataset):
        count += f' an epoch, of {len(dataset):,}'
    texts = [', '.join(places) or type(dataset).__name__, count]
    meta = getattr(dataset, 'metainfo', {})
    texts += [f'{task}: {_classes(meta["tasks"][task])}' for task in meta.get('tasks', ())] or [
        _classes(meta)
    ]
    return '; '.join(filter(None, texts))


def _classes(meta: Any) -> str:
    classes = meta.get('classes') or ()
    named = f' ({", ".join(map(str, classes))})' if len(classes) <= FEW else ''
    return f'{len(classes)} classes{named}' if classes else ''


def _place(dataset: Any) -> str:
    prefix = getattr(dataset, 'data_prefix', None) or {}
    paths = prefix if isinstance(prefix, dict) else {'img_path': prefix}
    found = [getattr(dataset, 'ann_file', ''), paths.get('img_path'), paths.get('img')]
    found.append(getattr(dataset, 'data_root', ''))
    return shown_path(next((path for path in found if path), ''))


def shown_path(path: str | Path) -> str:
    """Return a path as it is from here, if it lies below; as it is where it does not."""
    text = str(path)
    near = os.path.relpath(text) if os.path.isabs(text) else text
    return text if near.startswith(os.pardir) else near


def length_of(runner: Runner) -> str:
    """Return epochs, iterations and batch size of a training."""
    loader: Any = runner.train_dataloader
    batch = getattr(loader, 'batch_size', None) or getattr(loader.batch_sampler, 'batch_size', 1)
    images = f'{batch * runner.world_size} images each'
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        return f'{runner.max_iters:,} iterations of {images}'
    return f'{runner.max_epochs} epochs of {len(loader):,} iterations, {images}'


def weights_of(runner: Any, source: str | None) -> str:
    """Return which weights a run starts from.

    Args:
        runner: The run.
        source: Checkpoint that was loaded.
    """
    if source is not None:
        at = ''
        if runner._resume:
            by_epoch = not isinstance(runner.train_loop, IterBasedTrainLoop)
            at = f', goes on after iteration {runner.iter:,}'
            at += f', in epoch {runner.epoch + 1}' if by_epoch else ''
        return f'{shown_path(source)}{at}'
    named = dict(_pretrained(unwrap(runner.model)))
    return '; '.join(f'{part}: {file}' for part, file in named.items()) or 'random'


def _pretrained(model: nn.Module) -> Any:
    for name, part in model.named_modules():
        init = getattr(part, 'init_cfg', None)
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            yield name or 'all', shown_path(init['checkpoint'])
