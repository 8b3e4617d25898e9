"""ResNet and its tweaks B, C and D (000, 2.4)."""

from __future__ import annotations

import re
from typing import Any

import torch
from mmcv.cnn import build_conv_layer
from mmpretrain.models.backbones.resnet import BasicBlock, ResLayer, ResNet
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mmvisx.registry import MODELS
from mmvisx.utils import UserError

from .base import ResNetMixin

__all__ = ['ResNetTweak', 'rename_weights']

# What mmpretrain's ResNet is told for each variant (Figures 2.1 and 2.2).
VARIANTS: dict[str, dict[str, Any]] = {
    'a': dict(style='caffe', deep_stem=False, avg_down=False),
    'b': dict(style='pytorch', deep_stem=False, avg_down=False),
    'c': dict(style='pytorch', deep_stem=True, avg_down=False),
    'd': dict(style='pytorch', deep_stem=True, avg_down=True),
}
# mmdet and mmseg number the stem's layers through, mmpretrain puts three into one module.
_STEM = re.compile(r'stem\.(\d+)\.(weight|bias|running_mean|running_var|num_batches_tracked)')


@MODELS.register_module()
class ResNetTweak(ResNetMixin, ResNet):
    """ResNet in one of the four forms of Table 2.5, for classifiers, detectors and segmenters.

    ======= ============================ ================== ==========================
    variant stride 2 of path A           stem               stride 2 of path B
    ======= ============================ ================== ==========================
    ``a``   first 1x1 convolution        7x7                1x1 convolution
    ``b``   3x3 convolution              7x7                1x1 convolution
    ``c``   3x3 convolution              three 3x3          1x1 convolution
    ``d``   3x3 convolution              three 3x3          2x2 average pooling
    ======= ============================ ================== ==========================

    Args:
        depth: 18, 34, 50, 101 or 152.
        variant: ``'a'``, ``'b'``, ``'c'`` or ``'d'``. The basic blocks of depths 18 and 34
            have no 1x1 convolution in path A: there ``'a'`` is the same network as ``'b'``.
        small_input: For images of 32 pixels or so: the stem's first convolution has stride
            1 (and is 3x3 in ``'a'`` and ``'b'``), and there is no max pooling.
        contract_dilation: The first block of a dilated stage takes half its dilation, as
            in mmseg; for segmentation.
        **kwargs: Of :class:`mmpretrain.models.ResNet`: ``base_channels``,
            ``stem_channels``, ``strides``, ``dilations``, ``out_indices``,
            ``frozen_stages``, ``norm_eval``, ``with_cp``, ``zero_init_residual``,
            ``init_cfg`` and others.

    Raises:
        UserError: An unknown depth or variant, or an argument that the variant decides.

    Source: 000, 2.3.1 ("Zero gamma": ``zero_init_residual``, on by default), 2.4.
    Parameter names are those of mmpretrain's ``ResNet`` (``'a'``, ``'b'``),
    ``ResNetV1c`` and ``ResNetV1d``; the first two are torchvision's as well. When weights
    are loaded, the names that mmdet and mmseg give to a stem of three convolutions are taken
    too, and those of a classifier by a network with dilated stages.

    Differs from the document: its text gives stride 2 to the first and the second
    convolution of the stem, which would halve the image twice. Here only the first has
    it, which gives the multiply-adds of Table 2.5.
    """

    def __init__(
        self,
        depth: int = 50,
        variant: str = 'd',
        small_input: bool = False,
        contract_dilation: bool = False,
        **kwargs: Any,
    ) -> None:
        if depth not in self.arch_settings:
            raise UserError(f'depth={depth!r} is not one of {sorted(self.arch_settings)}')
        if variant not in VARIANTS:
            raise UserError(f'variant={variant!r} is not one of {sorted(VARIANTS)}')
        decided = sorted(set(kwargs) & set(VARIANTS[variant]))
        if decided:
            raise UserError(
                f'{decided[0]}={kwargs[decided[0]]!r}: variant={variant!r} decides '
                f'{decided[0]}; leave it out'
            )
        self.variant = variant
        self.small_input = small_input
        self.contract_dilation = contract_dilation
        with _RatesOnCPU():
            super().__init__(depth, **VARIANTS[variant], **kwargs)
        self.register_load_state_dict_pre_hook(rename_weights)

    def make_res_layer(self, **kwargs: Any) -> ResLayer:
        """Build a stage."""
        layer = super().make_res_layer(**kwargs)
        dilation = kwargs['dilation']
        if self.contract_dilation and dilation > 1:
            first = layer[0]
            conv = first.conv1 if isinstance(first, BasicBlock) else first.conv2
            conv.dilation = conv.padding = (dilation // 2, dilation // 2)
        return layer

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        super()._make_stem_layer(in_channels, stem_channels)
        if not self.small_input:
            return
        if self.deep_stem:
            self.stem[0].conv.stride = (1, 1)
        else:
            self.conv1 = build_conv_layer(
                self.conv_cfg, in_channels, stem_channels, kernel_size=3, padding=1, bias=False
            )
        self.maxpool = nn.Identity()


class _RatesOnCPU(TorchFunctionMode):
    """Let mmpretrain read its drop path rates from a tensor, also on the meta device."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.linspace:
            kwargs = dict(kwargs or {}, device='cpu')
        return func(*args, **(kwargs or {}))


def rename_weights(
    module: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Give the names of ``module`` to a state dict that comes from the same network, in place."""
    for key in [k for k in state_dict if k.startswith(f'{prefix}stem.')]:
        match = _STEM.fullmatch(key.removeprefix(prefix))
        if match is not None:
            block, layer = divmod(int(match[1]), 3)
            name = ('conv', 'bn')[layer]
            state_dict[f'{prefix}stem.{block}.{name}.{match[2]}'] = state_dict.pop(key)
    # Where a stage does not shrink, because it is dilated, path B has no pooling in front of
    # its convolution and norm; mmdet counts a pooling of 1x1 there.
    for stage in range(1, 5):
        path = getattr(getattr(module, f'layer{stage}', [None])[0], 'downsample', None)
        start = f'{prefix}layer{stage}.0.downsample.'
        theirs = {int(k.removeprefix(start)[0]) for k in state_dict if k.startswith(start)}
        if path is None or not theirs or max(theirs) == len(path) - 1:
            continue
        shift = len(path) - 1 - max(theirs)
        moved = {k: state_dict.pop(k) for k in list(state_dict) if k.startswith(start)}
        for key, value in moved.items():
            number, name = key.removeprefix(start).split('.', 1)
            state_dict[f'{start}{int(number) + shift}.{name}'] = value
