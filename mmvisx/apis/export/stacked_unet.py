"""Bring the published checkpoints of Stacked U-Nets into this package's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mmvisx.models.backbones.stacked_unet import LEVELS, StackedUNet
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.checkpoint_file import write_checkpoint
from mmvisx.utils.errors import UserError

__all__ = ['convert_stacked_unet', 'rename_stacked_unet']

# Published name of a layer -> ours.
LAYERS = {
    'features.conv1': 'backbone.stem.0',
    'features.residual1.bn.0': 'backbone.stem.1.conv1.norm',
    'features.residual1.conv.0': 'backbone.stem.1.conv1.conv',
    'features.residual1.conv.2': 'backbone.stem.1.conv2.norm',
    'features.residual1.conv.4': 'backbone.stem.1.conv2.conv',
    'features.residual1.shortcut.0': 'backbone.stem.1.shortcut',
    'features.bn2': 'backbone.norm3',
    'linear': 'head.fc',
}
MODULE = re.compile(r'features\.unet([1-4])_(\d+)\.(.+)')
# The same inside a U-Net module. Its first norm stands in front of the module where the
# channels change, and in the way down where they do not.
MODULE_LAYERS = {
    'bn.bn0': 'reduce.norm',
    'upsample.conv0': 'shortcut',
    'down.0.bn0': 'reduce.norm',
    'down.0.conv0': 'reduce.conv',
    'up.0.bn2': 'expand.norm',
    'up.0.conv2': 'expand.conv',
}
WAY = re.compile(r'(down|up)\.(\d)\.(bn|conv|deconv)(\d)')


def rename_stacked_unet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a published ImageNet classifier under this package's names.

    Args:
        state: State dict of ``Stackedunet_imagenet``, with or without ``module.`` in front.

    Returns:
        Weights of an mmpretrain classifier, ``backbone.*`` and ``head.fc.*``. The tensors are
        those of ``state``.

    Raises:
        UserError: A name is not one of the published code.
    """
    renamed = {}
    for key, value in state.items():
        layer, _, part = key.removeprefix('module.').rpartition('.')
        name = _layer_name(layer)
        if name is None:
            raise UserError(
                f'{key!r} is no weight of a published Stacked U-Net for ImageNet; its names begin '
                'with features. and linear.'
            )
        renamed[f'{name}.{part}'] = value
    return renamed


def _layer_name(layer: str) -> str | None:
    module = MODULE.fullmatch(layer)
    if module is None:
        return LAYERS.get(layer)
    block, inside = int(module[1]) - 1, module[3]
    name = MODULE_LAYERS.get(inside)
    step = WAY.fullmatch(inside)
    if name is None and step is not None:
        level, number = int(step[2]), int(step[4])
        if step[1] == 'up':
            # Published: the outermost level first, and steps counted from 0.
            level, number = LEVELS[block] - 1 - level, number + 1
        name = f'{step[1]}.{level}.{number - 1}.{"norm" if step[3] == "bn" else "conv"}'
    return None if name is None else f'backbone.stages.{block}.{module[2]}.{name}'


def convert_stacked_unet(source: str | Path, out: str | Path) -> str:
    """Write a published ImageNet checkpoint for this package, and return the network's name.

    Args:
        source: The published file (``checkpoint_64_2441_residual.pth.tar`` and others).
        out: The .pth file to write: weights of an mmpretrain classifier, for
            ``configs/stacked_unet/*_imagenet.py``, or with ``prefix='backbone.'`` for
            ``init_cfg`` of a backbone.

    Raises:
        UserError: ``source`` is no checkpoint, or not of one of the published networks.
    """
    checkpoint = read_checkpoint(source)
    state = rename_stacked_unet(checkpoint.get('state_dict', checkpoint))
    arch = _find_arch(state, source)
    write_checkpoint(dict(state_dict=state, meta=dict(arch=arch)), out)
    return arch


def _find_arch(state: Mapping[str, Tensor], source: str | Path) -> str:
    """Return the network that has exactly these weights, but for counters of batches."""

    def shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
        return {k: v.shape for k, v in weights.items() if not k.endswith('num_batches_tracked')}

    found = shapes(state)
    differing = {}
    for arch, settings in StackedUNet.arch_settings.items():
        with torch.device('meta'):
            backbone = shapes(StackedUNet(arch).state_dict())
        wanted = {f'backbone.{key}': shape for key, shape in backbone.items()}
        wanted['head.fc.weight'] = torch.Size((1000, settings.channels[-1]))
        wanted['head.fc.bias'] = torch.Size((1000,))
        names = sorted(wanted.keys() | found.keys())
        differing[arch] = [key for key in names if wanted.get(key) != found.get(key)]
    closest = min(differing, key=lambda arch: len(differing[arch]))
    if differing[closest]:
        raise UserError(
            f'checkpoint {source} is of none of {sorted(differing)}; the closest is {closest}, '
            f'from which {len(differing[closest])} weights differ: '
            + ', '.join(differing[closest][:3])
        )
    return closest
