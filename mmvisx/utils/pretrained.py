"""Refuse pretrained weights that are not the module's, which MMEngine only logs."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from .checkpoint import MIN_MATCH, Fit, load_weights, read_checkpoint
from .errors import UserError

__all__ = ['check_pretrained', 'check_pretrained_parts']

# Share of a backbone's values that its checkpoint must have: half of a ResNet-101's values are
# in a ResNet-50's file, three quarters of a ResNet-152's in a ResNet-101's.
BACKBONE_MATCH = 0.9
AT_HAND = "dict(type='Pretrained', checkpoint='FILE'), with prefix='backbone.' for a classifier's"


def check_pretrained(
    module: nn.Module, new_parts: Iterable[str] = (), least: float = BACKBONE_MATCH
) -> None:
    """Look how the checkpoint that ``module.init_cfg`` names, if it is one, fits the module.

    MMEngine takes what fits and goes on: with a wrong ``prefix`` or another depth that is
    little or nothing, and a transfer starts from random weights. The module stays as it is, for
    MMEngine to load: where weights were loaded before, its log says that they came from
    elsewhere.

    Args:
        new_parts: Regular expressions for names of entries that a checkpoint need not have.
        least: Share of the module's other values that must be in it, from 0 to 1.

    Raises:
        UserError: ``init_cfg`` names no checkpoint or is a list with one; the checkpoint does
            not exist, cannot be downloaded or is damaged; it has less than ``least`` of the
            module's values below ``prefix``, nothing of one of its parts, or more blocks.
    """
    owner = f'init_cfg of {type(module).__name__}'
    cfg = _pretrained_cfg(getattr(module, 'init_cfg', None), owner)
    if cfg is None:
        return
    source = cfg['checkpoint']
    try:
        checkpoint = read_checkpoint(source)
    except UserError as error:
        raise UserError(f'{owner}: {error}. A file at hand: {AT_HAND} file') from error
    state = {
        key.removeprefix('module.'): value
        for key, value in checkpoint.get('state_dict', checkpoint).items()
    }
    prefix = cfg.get('prefix')
    if prefix:
        prefix = prefix.rstrip('.') + '.'
        below = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    else:
        below = dict(state)
    # Names and shapes are compared as the module's own hooks rename and reshape them.
    for hook in module._load_state_dict_pre_hooks.values():
        hook(below, '', {}, False, [], [], [])
    try:
        fit = load_weights(copy.deepcopy(module), {'state_dict': below}, source, 'partial')
    except UserError as error:
        raise UserError(f'{owner}: {" ".join(str(error).split())[:500]}') from error
    fault = _fault(module, fit, [re.compile(pattern) for pattern in new_parts], least)
    if fault is not None:
        raise UserError(
            f'{owner}: checkpoint {source} does not hold its weights below prefix={prefix!r}: '
            f'{fault} ({fit}). {_hint(module, state, prefix)}'
        )


def check_pretrained_parts(model: nn.Module) -> None:
    """Check the parts of a model that MMEngine's own initialisation will load.

    Half of their values must be found, as their classes do not say what may be new. Classes
    with an initialisation of their own are left out: ours check themselves, and others convert.

    Raises:
        UserError: See :func:`check_pretrained`.
    """
    for module in model.modules():
        if isinstance(module, BaseModule) and type(module).init_weights is BaseModule.init_weights:
            check_pretrained(module, least=MIN_MATCH)


def _pretrained_cfg(init_cfg: Any, owner: str) -> dict[str, Any] | None:
    """The config that names a checkpoint, if there is one."""
    if isinstance(init_cfg, str):
        raise UserError(f'{owner} is {init_cfg!r}, which names no checkpoint: give {AT_HAND} file')
    if isinstance(init_cfg, list | tuple):
        if any(_pretrained_cfg(item, owner) is not None for item in init_cfg):
            raise UserError(
                f"{owner} is a list with type='Pretrained' in it, of which the other entries "
                f'have no effect or undo it: give that entry alone, {AT_HAND} file'
            )
        return None
    if not isinstance(init_cfg, dict) or init_cfg.get('type') != 'Pretrained':
        return None
    if not isinstance(init_cfg.get('checkpoint'), str):
        raise UserError(
            f"{owner} is of type 'Pretrained' with checkpoint={init_cfg.get('checkpoint')!r}: "
            f'give {AT_HAND} file'
        )
    return init_cfg


def _fault(
    module: nn.Module, fit: Fit, new_parts: list[re.Pattern[str]], least: float
) -> str | None:
    """Say why a checkpoint is not this module's, or return None."""
    mismatched = {text.split(' ')[0] for text in fit.mismatched}
    needed = {
        key: value.numel()
        for key, value in module.state_dict().items()
        if 'num_batches_tracked' not in key and not any(p.search(key) for p in new_parts)
    }
    missing = set(fit.missing) & set(needed)
    found = sum(n for key, n in needed.items() if key not in missing | mismatched)
    if found < least * sum(needed.values()):
        return f'less than {100 * least:.0f} % of what it must have'
    if least < BACKBONE_MATCH:
        return None
    parts = {key.split('.')[0] for key in needed}
    empty = parts - {key.split('.')[0] for key in set(needed) - missing}
    if empty:
        return f'nothing of {", ".join(sorted(empty))}'
    # A part that is not built is of no account, but one with more blocks is of another network.
    other = [(k, part) for k in fit.unexpected if (part := _part_with_blocks(module, k))]
    if other:
        return f'{len(other)} entries more than it has in {other[0][1]}'
    return None


def _part_with_blocks(module: nn.Module, key: str) -> str | None:
    """Name the stage of the module that an entry would be in, if it has that one."""
    name, _, rest = key.partition('.')
    part = getattr(module, name, None)
    if isinstance(part, nn.ModuleList):  # of stages, of which the last may not be built
        number = rest.split('.')[0]
        return f'{name}.{number}' if number in part._modules else None
    return name if isinstance(part, nn.Sequential) else None


def _hint(module: nn.Module, state: Mapping[str, Tensor], prefix: str | None) -> str:
    """What the names in the file tell about the prefix."""
    own = set(module.state_dict())
    starts: Counter[str] = Counter()
    for key in state:
        words = key.split('.')
        for k in range(len(words)):
            if '.'.join(words[k:]) in own:
                starts['.'.join([*words[:k], '']) if k else ''] += 1
                break
    if starts:
        best = starts.most_common(1)[0][0]
        if best != (prefix or ''):
            wanted = f'prefix={best!r}' if best else 'no prefix'
            return f'{starts[best]} of its names stand in the file with {wanted}: set that'
    heads = sorted({key.split('.')[0] for key in state})
    return (
        f'The names in the file begin with {", ".join(heads[:6])}: is it of another depth, '
        'variant or network?'
    )
