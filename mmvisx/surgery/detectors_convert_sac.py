"""Turn the 3x3 convolutions of a trained network into switchable atrous convolutions."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mmcv.cnn.bricks.wrappers import Conv2d as MMCVConv2d
from mmengine.logging import print_log
from torch import nn

from mmvisx.models.layers import SwitchableAtrousConv2d
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import name_layers

__all__ = ['convert_to_sac']

# mmcv's differs from torch's for empty inputs only. Other subclasses compute something else.
PLAIN = (nn.Conv2d, MMCVConv2d)


def convert_to_sac(
    module: nn.Module,
    pattern: str | Sequence[str] | None = None,
    stages: Sequence[str] | None = None,
    skip_unfit: bool = False,
    **sac_options: Any,
) -> list[str]:
    """Replace 3x3 convolutions by :class:`SwitchableAtrousConv2d`, in place.

    The network computes what it did before, and learns from there to switch: weights and
    biases are the same parameters (an optimizer that holds them stays valid, but has to be
    told of the new ones), and device, dtype and training flag are kept. The new parameters
    are frozen where the convolution's weight is. A state dict of the network as it was loads
    with ``strict=False``; every other name stays.

    Args:
        module: Network of any origin: torchvision, timm, mmpretrain, mmdet, one's own.
        pattern: Names of the convolutions, as shell patterns whose ``*`` also spans dots:
            ``'layer[234].*.conv2'``. Convolutions of other kernel sizes are left alone.
        stages: Submodules whose convolutions are meant, as an alternative to ``pattern``:
            ``['layer3', 'layer4']``. With neither, the whole network is.
        skip_unfit: Leave what cannot be converted as it is and log a warning, instead of
            an error.
        **sac_options: Of :class:`SwitchableAtrousConv2d`: ``use_deform``,
            ``global_context``, ``lock_weights``, ``switch``, ``atrous_factor``.

    Returns:
        The names of what was replaced, in the network's order.

    Raises:
        UserError: nothing fits the pattern or the stages, or a 3x3 convolution that fits
            pads with other than zeros, pads more or less than its dilation, carries hooks,
            or is of another class. Nothing is replaced then.

    Source: 001, chapter 6 ("a plug-and-play module for many pretrained backbones").
    """
    if pattern is not None and stages is not None:
        raise UserError(f'give pattern={pattern!r} or stages={stages!r}, not both')
    chosen = list(_candidates(module, _patterns(module, pattern, stages)))
    unfit = {name: fault for name, conv in chosen if (fault := _fault(conv)) is not None}
    if unfit:
        listing = '; '.join(f'{name} {fault}' for name, fault in unfit.items())
        if not skip_unfit:
            raise UserError(
                f'cannot be converted to SAC: {listing}. Narrow pattern or stages, or leave '
                'these as they are with skip_unfit=True'
            )
        print_log(f'convert_to_sac leaves as they are: {listing}', 'current', logging.WARNING)
    fit = [(name, conv) for name, conv in chosen if name not in unfit]
    if not fit:
        convs = [n for n, m in module.named_modules() if isinstance(m, nn.Conv2d)]
        raise UserError(
            f'pattern={pattern!r}, stages={stages!r}: no 3x3 convolution to convert; the '
            f'convolutions of {type(module).__name__} are {", ".join(convs[:8]) or "none"}'
            f'{", ..." if len(convs) > 8 else ""}'
        )
    made: dict[nn.Module, SwitchableAtrousConv2d] = {}
    for _, conv in fit:
        if conv not in made:
            made[conv] = _to_sac(conv, sac_options)
    # Only now, so that a wrong option leaves the network as it was.
    for name, conv in fit:
        parent, _, leaf = name.rpartition('.')
        setattr(module.get_submodule(parent), leaf, made[conv])
    name_layers(module)
    return [name for name, _ in fit]


def _patterns(
    module: nn.Module, pattern: str | Sequence[str] | None, stages: Sequence[str] | None
) -> list[str]:
    if stages is not None:
        names = {name for name, _ in module.named_modules()}
        absent = [stage for stage in stages if stage not in names or not stage]
        if absent or isinstance(stages, str):
            children = ', '.join(name for name, _ in module.named_children())
            raise UserError(
                f'stages={stages!r} must be a list of submodules of {type(module).__name__}, '
                f'which has {children}'
            )
        return [part for stage in stages for part in (stage, f'{stage}.*')]
    if pattern is None:
        return ['*']
    return [pattern] if isinstance(pattern, str) else list(pattern)


def _candidates(module: nn.Module, patterns: Sequence[str]) -> Iterator[tuple[str, nn.Conv2d]]:
    """Yield every name of every 3x3 convolution that is meant, also the shared ones'."""
    inside: list[str] = []
    for name, child in module.named_modules(remove_duplicate=False):
        if isinstance(child, SwitchableAtrousConv2d):
            # Its offset convolutions are 3x3, too.
            inside.append(f'{name}.')
        elif (
            isinstance(child, nn.Conv2d)
            and child.kernel_size == (3, 3)
            and name
            and not name.startswith(tuple(inside))
            and any(fnmatchcase(name, pattern) for pattern in patterns)
        ):
            yield name, child


def _fault(conv: nn.Conv2d) -> str | None:
    """Say why a 3x3 convolution cannot become a SAC, or None."""
    if type(conv) not in PLAIN:
        return f'is a {type(conv).__name__}, not a plain Conv2d'
    if conv._forward_hooks or conv._forward_pre_hooks:
        return 'carries hooks (weight or spectral norm, for example), which would be lost'
    if conv.padding_mode != 'zeros':
        return f'has padding_mode={conv.padding_mode!r}, SAC pads with zeros'
    if conv.padding not in ('same', conv.dilation):
        return f'has padding={conv.padding!r}, SAC needs its dilation, {conv.dilation}'
    return None


def _to_sac(conv: nn.Conv2d, options: dict[str, Any]) -> SwitchableAtrousConv2d:
    weight = conv.weight
    sac = SwitchableAtrousConv2d(
        conv.in_channels,
        conv.out_channels,
        kernel_size=(3, 3),
        stride=(conv.stride[0], conv.stride[1]),
        padding=(conv.dilation[0], conv.dilation[1]),
        dilation=(conv.dilation[0], conv.dilation[1]),
        groups=conv.groups,
        bias=conv.bias is not None,
        **options,
    )
    sac.to(weight.device, weight.dtype).requires_grad_(weight.requires_grad).train(conv.training)
    sac.weight = weight
    sac.bias = conv.bias
    sac.absorb_weight()
    return sac
