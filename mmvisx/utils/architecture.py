"""Rebuild the network of a checkpoint: what was done to it after its config had built it.

Words: an *entry* is what a checkpoint keeps, under a key of its own, of one thing that was done to
its network (the channel graph of a rejuvenated one, say); an *architecture* is the function that
does the same to a network fresh from its config. :data:`mmvisx.registry.ARCHITECTURES` holds the
architectures by the keys of their entries::

    @ARCHITECTURES.register_module(name='my_surgery')
    def rebuild_mine(model, entry, state):
        ...  # shapes and layers only: the weights of ``state`` are loaded afterwards
        return changes

It gets the network (in no wrapper), the entry and the checkpoint's weights by name, and returns a
:class:`Change` for each parameter that took another one's place. A network that has the entry's
layers already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvisx.registry import ARCHITECTURES

from .errors import UserError

__all__ = [
    'Change',
    'Part',
    'Transform',
    'check_layers',
    'gather',
    'keep_entry',
    'read_entries',
    'rebuild',
    'weights_of',
]

# A checkpoint's list of the keys of its entries, in the order in which things were done.
LISTED = 'mmvisx_architectures'

Transform = Callable[[Tensor], Tensor]


@dataclass
class Part:
    """A parameter, and where it lies in its layer's whole weight or bias.

    Args:
        parameter: The parameter.
        rows: Its rows (outputs), None for all.
        columns: Its columns (inputs), None for all.
    """

    parameter: nn.Parameter
    rows: Tensor | None = None
    columns: Tensor | None = None

    def extract(self, whole: Tensor) -> Tensor:
        """Return the parameter's part of a whole tensor ``(out, in, ...)`` or ``(out,)``."""
        if self.rows is not None:
            whole = whole.index_select(0, self.rows.to(whole.device))
        if self.columns is not None:
            whole = whole.index_select(1, self.columns.to(whole.device))
        return whole.contiguous()


@dataclass
class Change:
    """New parameters in the place of old ones.

    Args:
        old: Parameters before.
        new: Parameters after.
        old_shape: Of the whole tensor before.
        transform: Maps a whole tensor of the old layout to one of the new: survivors are
            kept, all else is zero. None: nothing survives.
    """

    old: list[Part]
    new: list[Part]
    old_shape: tuple[int, ...]
    transform: Transform | None = None


def gather(parts: Sequence[Part], tensors: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
    """Lay tensors of the parts' shapes together to a whole one of ``shape``, zero in between.

    Each tensor is ``(out, in, ...)`` or ``(out,)``.
    """
    if len(parts) == 1 and parts[0].rows is None and parts[0].columns is None:
        return tensors[0]
    whole = tensors[0].new_zeros(tuple(shape))
    for part, tensor in zip(parts, tensors, strict=True):
        rows = torch.arange(shape[0]) if part.rows is None else part.rows
        if part.columns is None:
            whole[rows.to(whole.device)] = tensor
        else:
            place = rows[:, None].to(whole.device), part.columns[None].to(whole.device)
            whole[place] = tensor
    return whole


def weights_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a checkpoint's weights by their names in a network without wrappers."""
    raw = checkpoint.get('state_dict', checkpoint)
    return {k.removeprefix('module.'): v for k, v in raw.items() if isinstance(v, Tensor)}


def keep_entry(checkpoint: MutableMapping[str, Any], key: str, entry: Any) -> None:
    """Let a checkpoint say what was done to its network.

    Args:
        checkpoint: What will be saved; changed in place.
        key: Of the architecture in :data:`~mmvisx.registry.ARCHITECTURES`.
        entry: What the architecture needs: numbers, texts, lists, mappings.
    """
    checkpoint[key] = entry
    listed = checkpoint.setdefault(LISTED, [])
    if key not in listed:
        listed.append(key)


def read_entries(checkpoint: Mapping[str, Any], source: str | Path) -> dict[str, Any]:
    """Return a checkpoint's entries by their keys, in the order in which things were done.

    Args:
        checkpoint: A checkpoint; one without a list (written before there was one) has those of
            the known architectures.
        source: Where it came from, for the message.

    Raises:
        UserError: it has an entry that no architecture is registered for.
    """
    if 'state_dict' not in checkpoint:
        return {}
    ARCHITECTURES.import_from_location()
    known = ARCHITECTURES.module_dict
    keys = checkpoint.get(LISTED) or [key for key in checkpoint if key in known]
    for key in keys:
        if key not in known:
            raise UserError(
                f'checkpoint {source} is of a network that {key!r} has changed, which this mmvisx '
                f'does not know (known: {", ".join(sorted(known))}): load it with the mmvisx that '
                'wrote it, or import what registers it (custom_imports of the config)'
            )
    return {key: checkpoint[key] for key in keys}


def rebuild(model: nn.Module, checkpoint: Mapping[str, Any], source: str | Path) -> list[Change]:
    """Do to a network what was done to a checkpoint's, so that its weights can be loaded.

    Args:
        model: The network as its config builds it, in no wrapper; changed in place. One that
            has been rebuilt already is left alone.
        checkpoint: The checkpoint.
        source: Where it came from, for the messages.

    Returns:
        Which parameters took which place: an optimizer has to be told.

    Raises:
        UserError: the checkpoint is of another network, or of one that something unknown has
            changed.
    """
    entries = read_entries(checkpoint, source)
    changes: list[Change] = []
    for key, entry in entries.items():
        changes += ARCHITECTURES.module_dict[key](model, entry, weights_of(checkpoint))
    return changes


def check_layers(model: nn.Module, names: Sequence[str], done: str) -> None:
    """Refuse a network without the layers that an entry names.

    Args:
        model: The network.
        names: Of the layers.
        done: What was done to the checkpoint's network, for the message: ``'rejuvenated'``.

    Raises:
        UserError: one of them is missing.
    """
    present = {name for name, _ in model.named_modules()}
    missing = [name for name in names if name not in present]
    if missing:
        raise UserError(
            f'the checkpoint is of a {done} network with a layer {missing[0]!r} '
            f'({len(missing)} such), which this {type(model).__name__} does not have: use the '
            'config that it was trained with'
        )
