"""Stacked U-Nets for classification, segmentation and detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from mmvisx.models.layers.stacked_unet_module import PreActConv, UNetModule
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar

from .base import Backbone, Parts

__all__ = ['StackedUNet']

OUTPUT_STRIDES = (8, 16, 32)
# The last block's U-Nets go down once only: its maps are small.
LEVELS = (2, 2, 2, 1)


@dataclass(frozen=True)
class Architecture:
    """What a named network consists of.

    Attributes:
        filters: Channels inside the U-Nets (``N`` of Table 4.1).
        modules: U-Net modules of each of the four blocks.
        channels: Channels of each block's output.
        stem_channels: Channels of the first convolution; the residual block behind it has twice
            as many.
    """

    filters: int
    modules: tuple[int, ...]
    channels: tuple[int, ...]
    stem_channels: int = 64


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions behind norm and ReLU, the first with stride 2, and a shortcut.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        norm_cfg: Config of the norm layers.

    Source: 002, 4.1 and Table 4.1.
    """

    def __init__(self, in_channels: int, out_channels: int, norm_cfg: dict[str, Any]) -> None:
        super().__init__()
        self.conv1 = PreActConv(in_channels, out_channels, stride=2, norm_cfg=norm_cfg)
        self.conv2 = PreActConv(out_channels, out_channels, norm_cfg=norm_cfg)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, H, W)`` to ``(N, out_channels, H / 2, W / 2)``, rounded up."""
        active = self.conv1.activate(x)
        return self.shortcut(active) + self.conv2(self.conv1.conv(active))


@MODELS.register_module()
class StackedUNet(Backbone):
    """Stacked U-Nets: a stem, a residual block and four blocks of U-Net modules.

    Average pooling lies between the blocks. Images may have any size; maps of odd size are
    halved rounding up.

    Args:
        arch: 'sunet64', 'sunet128', 'sunet7128', 'sunet7128_paper', or a dict with ``filters``,
            ``modules``, ``channels`` and, if not 64, ``stem_channels`` (see
            :class:`Architecture`). Block 3 of SUNet-7-128 has 2,048 channels in the published
            code and its checkpoint, and 1,792 in the paper.
        in_channels: Channels of the images.
        output_stride: Stride of the last map: 32 for classification and detection, 16 as in
            Table 4.1, or 8. Blocks that pool no more are dilated instead: block 4 by 2 at
            stride 16; block 3 by 2 and block 4 by 4 at stride 8 (see :class:`UNetModule`).
        out_indices: Which blocks' maps to give, 0 to 3; their strides are 4, 8, 16 and 32,
            and at most ``output_stride``. Negative numbers count from the end. Blocks behind
            the last of them are not built. Each map has a norm and a ReLU of its own behind it.
        frozen_stages: -1: nothing; 0: stem and residual block do not learn; ``n``: nor do
            ``n`` blocks.
        norm_eval: Keep batch norm in evaluation mode in training.
        norm_cfg: Config of the norm layers; ``None``: batch norm with momentum 0.01.
        init_cfg: See :class:`mmengine.model.BaseModule`; ``None``: normal distribution of
            He et al. by the outgoing connections.

    Raises:
        UserError: An unknown name, a dict that does not describe a network, an index without a
            block, or another stride than 8, 16 and 32.

    Source: 002, 4.1 and Table 4.1; the network is that of Shah et al. (2018), SUNet-64, whose
    published code gives the dilations.

    Differs from the document: block 4 has one module, as the 112 convolutions of Table 4.1
    want, not four as its last column says. The features have 5,885,248 parameters, 6,910,248
    with an ImageNet classifier (the 6.9M of 4.1), 12,976,981 with the dense head for 21
    classes. The table's 6.8M come out neither way: with four modules in block 4 the features
    have 6,732,928. With an ImageNet classifier SUNet-7-128 has 39,113,832 parameters as
    published and 37,731,944 as in the paper (37.7M). The table's sizes from block 2 on (56, 28,
    14) are those of a classifier's input; an input of 512 gives 256, 128, 128, 64, 32, 32.
    """

    # A classifier has no norms behind its first blocks' maps.
    new_parts = (r'^norm\d\.',)
    arch_settings: ClassVar[dict[str, Architecture]] = {
        'sunet64': Architecture(64, (2, 4, 4, 1), (256, 512, 768, 1024)),
        'sunet128': Architecture(128, (2, 4, 4, 1), (512, 1024, 1536, 2048)),
        'sunet7128': Architecture(128, (2, 7, 7, 1), (512, 1280, 2048, 2304)),
        'sunet7128_paper': Architecture(128, (2, 7, 7, 1), (512, 1280, 1792, 2304)),
    }

    def __init__(
        self,
        arch: str | dict[str, Any] = 'sunet64',
        in_channels: int = 3,
        output_stride: int = 32,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        settings = self._settings(arch)
        if output_stride not in OUTPUT_STRIDES:
            raise UserError(
                f'output_stride={output_stride!r} of StackedUNet is not one of {OUTPUT_STRIDES}'
            )
        super().__init__(
            len(settings.modules),
            out_indices,
            frozen_stages,
            norm_eval,
            init_cfg
            or [
                dict(type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal'),
                # Its weight is stored the other way round: what torch takes for the incoming
                # connections are the outgoing ones.
                dict(type='Kaiming', layer='ConvTranspose2d', mode='fan_in', distribution='normal'),
                dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
            ],
        )
        norm_cfg = norm_cfg or dict(type='BN', momentum=0.01)

        width = settings.stem_channels
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, width, 7, stride=2, padding=3),
            ResidualBlock(width, 2 * width, norm_cfg),
        )
        channels, stride, dilation = 2 * width, 4, 1
        self.pools = nn.ModuleList()
        self.stages = nn.ModuleList()
        for index in range(max(self.out_indices) + 1):
            pool: nn.Module = nn.Identity()
            if index > 0 and stride < output_stride:
                # An odd map's last row and column count, and make an average of their own.
                pool = nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
                stride *= 2
            elif index > 0:
                dilation *= 2
            self.pools.append(pool)
            modules = []
            for _ in range(settings.modules[index]):
                width = settings.channels[index]
                modules.append(
                    UNetModule(channels, width, settings.filters, LEVELS[index], dilation, norm_cfg)
                )
                channels = width
            self.stages.append(nn.Sequential(*modules))
        for index in self.out_indices:
            norm = build_norm_layer(norm_cfg, settings.channels[index])[1]
            self.add_module(f'norm{index}', norm)
        self.relu = nn.ReLU(inplace=True)
        self.finish(settings.channels)

    @classmethod
    def _settings(cls, arch: Any) -> Architecture:
        if isinstance(arch, str) and arch in cls.arch_settings:
            return cls.arch_settings[arch]
        if not isinstance(arch, dict):
            hint = similar(str(arch), cls.arch_settings)
            raise UserError(
                f'arch={arch!r} of StackedUNet is not one of {sorted(cls.arch_settings)}{hint}; or '
                'give a dict with filters, modules and channels'
            )
        required = {'filters', 'modules', 'channels'}
        if not required <= set(arch) <= required | {'stem_channels'}:
            raise UserError(
                f'arch of StackedUNet has the keys {sorted(arch)}; it takes filters, modules, '
                'channels and, if wanted, stem_channels'
            )
        values: dict[str, Any] = dict(stem_channels=64) | arch
        for key in ('filters', 'stem_channels'):
            if not _is_count(values[key]):
                raise UserError(f'{key}={values[key]!r} of arch must be a whole number >= 1')
        for key in ('modules', 'channels'):
            row = values[key]
            if (
                not isinstance(row, Sequence)
                or len(row) != len(LEVELS)
                or not all(_is_count(v) for v in row)
            ):
                raise UserError(
                    f'{key}={row!r} of arch must be four whole numbers >= 1, one for each block'
                )
        return Architecture(
            values['filters'],
            tuple(values['modules']),
            tuple(values['channels']),
            values['stem_channels'],
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(B, in_channels, H, W)`` to the maps of ``out_indices``, in their order."""
        x = self.stem(x)
        outs = {}
        for index, (pool, stage) in enumerate(zip(self.pools, self.stages, strict=True)):
            x = stage(pool(x))
            if index in self.out_indices:
                outs[index] = self.relu(getattr(self, f'norm{index}')(x))
        return tuple(outs[index] for index in self.out_indices)

    def stem_and_stages(self) -> Parts:
        """Stem and residual block, and each block with the norm behind its map."""
        parts: list[list[nn.Module]] = [[self.stem], *([stage] for stage in self.stages)]
        for index in self.out_indices:
            parts[index + 1].append(getattr(self, f'norm{index}'))
        return parts


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
