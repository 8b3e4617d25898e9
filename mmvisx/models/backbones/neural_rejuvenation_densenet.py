"""DenseNet whose convolutions are directly followed by batch norm (001, 5.4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils import UserError

from .base import HE, Backbone, Parts

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['PostActivationDenseNet']

STEMS = ('cifar', 'imagenet')
BOTTLENECK = 4  # the 1x1 convolution's outputs, in growth rates


@dataclass(frozen=True)
class Architecture:
    """What a named network consists of.

    Attributes:
        blocks: Layers of each dense block; a layer is a 1x1 and a 3x3 convolution.
        growth: Channels that a layer adds.
        stem: 'cifar' or 'imagenet'.

    Source: 001, 5.4.3.
    """

    blocks: tuple[int, ...]
    growth: int
    stem: str


class DenseBlock(nn.Module):
    """Layers that each see the outputs of all before them.

    Args:
        in_channels: Channels of the input.
        layers: How many layers.
        growth: Channels that each adds.
        **options: Of the convolutions.

    Source: 001, 5.4.3.
    """

    def __init__(self, in_channels: int, layers: int, growth: int, **options: object) -> None:
        super().__init__()
        inner = BOTTLENECK * growth
        self.layers = nn.ModuleList(
            nn.Sequential(
                ConvModule(in_channels + index * growth, inner, 1, **options),
                ConvModule(inner, growth, 3, padding=1, **options),
            )
            for index in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C + layers * growth, H, W)``."""
        maps = [x]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, 1)))
        return torch.cat(maps, 1)


@MODELS.register_module()
class PostActivationDenseNet(Backbone):
    """DenseNet-BC in the order convolution, batch norm, ReLU.

    mmpretrain's and torchvision's DenseNets put norm and ReLU in front of each convolution, so
    that a norm's scales belong to many convolutions' outputs at once. Here each convolution
    has its own norm, those of the stem and the transitions too, and there is none at the end.

    Parameters without the head (1x1 convolutions, 3x3 ones, transitions and stem, norms):

    - '100_40', three blocks of 16 layers from 2 * 40 channels; 80 + 16 * 40 = 720 are halved
      to 360, 1,000 to 500, 1,140 remain. Inputs of the 1x1 convolutions: 6,080 + 10,560 +
      12,800. So 160 * 29,440 + 48 * 9 * 160 * 40 + 720 * 360 + 1,000 * 500 + 27 * 80
      + 2 * (80 + 48 * 200 + 860) = 8,257,640, with a head 8,269,050 for 10 and 8,371,740 for
      100 classes (8.27M and 8.37M of Table 5-IV);
    - '121', blocks of 6, 12, 24 and 16 layers, growth 32, from 64 channels: 128 * 31,520
      + 58 * 36,864 + 128 * 256 + 256 * 512 + 512 * 1,024 + 147 * 64
      + 2 * (64 + 58 * 160 + 896) = 6,890,688, with a head 7,915,688 (7.92M of Table 5-II).

    Args:
        arch: '121' (ImageNet), '100_40' (CIFAR), or the number of layers of each block.
        growth: Channels that a layer adds. ``None``: of ``arch``, 12 for own blocks.
        stem: 'cifar': 3x3 convolution at full size; 'imagenet': 7x7 convolution and
            max-pooling to a quarter. ``None``: of ``arch``, 'cifar' for own blocks.
        in_channels: Channels of the image.
        out_indices: Dense blocks whose maps to give; negative numbers count from the end.
        frozen_stages: -1: nothing; 0: the stem does not learn; ``n``: nor do ``n`` blocks and
            the transitions in front of them.
        norm_eval: Keep batch norm in evaluation mode in training.
        norm_cfg: Config of the norms.
        act_cfg: Config of the activations.
        init_cfg: Config of the initialisation.

    Raises:
        UserError: an unknown architecture or stem, a block without layers, an index without
            a block.

    Source: 001, 5.4.3 and Tables 5-II and 5-IV: "from pre-activation to post-activation".
    """

    arch_settings: ClassVar[dict[str, Architecture]] = {
        '121': Architecture((6, 12, 24, 16), 32, 'imagenet'),
        '100_40': Architecture((16, 16, 16), 40, 'cifar'),
    }

    def __init__(
        self,
        arch: str | Sequence[int] = '121',
        growth: int | None = None,
        stem: str | None = None,
        in_channels: int = 3,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: ConfigDict | None = None,
        act_cfg: ConfigDict | None = None,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        settings = self._settings(arch)
        growth = settings.growth if growth is None else growth
        stem = settings.stem if stem is None else stem
        if stem not in STEMS:
            raise UserError(f'stem={stem!r} of PostActivationDenseNet is not one of {STEMS}')
        init_cfg = HE if init_cfg is None else init_cfg
        super().__init__(len(settings.blocks), out_indices, frozen_stages, norm_eval, init_cfg)
        options = dict(
            bias=False,
            norm_cfg=norm_cfg or dict(type='BN'),
            act_cfg=act_cfg or dict(type='ReLU'),
        )
        channels = 2 * growth
        # In Sequentials: a ConvModule that is a direct child of a module draws its own weights
        # over those of init_cfg.
        if stem == 'cifar':
            self.stem = nn.Sequential(ConvModule(in_channels, channels, 3, padding=1, **options))
        else:
            self.stem = nn.Sequential(
                ConvModule(in_channels, channels, 7, stride=2, padding=3, **options),
                nn.MaxPool2d(3, stride=2, padding=1),
            )
        self.blocks = nn.ModuleList()
        self.transitions = nn.ModuleList()
        widths = []
        for index, layers in enumerate(settings.blocks):
            if index > 0:
                self.transitions.append(
                    nn.Sequential(
                        ConvModule(channels, channels // 2, 1, **options), nn.AvgPool2d(2)
                    )
                )
                channels //= 2
            self.blocks.append(DenseBlock(channels, layers, growth, **options))
            channels += layers * growth
            widths.append(channels)
        self.feat_dim = channels
        self.finish(widths)

    @classmethod
    def _settings(cls, arch: str | Sequence[int]) -> Architecture:
        if isinstance(arch, str):
            if arch not in cls.arch_settings:
                raise UserError(
                    f'arch={arch!r} of PostActivationDenseNet is not one of '
                    f'{sorted(cls.arch_settings)}; or give the number of layers of each block'
                )
            return cls.arch_settings[arch]
        if not arch or any(not isinstance(layers, int) or layers < 1 for layers in arch):
            raise UserError(
                f'arch={arch!r} of PostActivationDenseNet must be a name or numbers of layers, '
                'whole and >= 1'
            )
        return Architecture(tuple(arch), 12, 'cifar')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, in_channels, H, W)`` to the maps of ``out_indices``."""
        x = self.stem(x)
        outs = {}
        for index, block in enumerate(self.blocks):
            if index > 0:
                x = self.transitions[index - 1](x)
            x = block(x)
            if index in self.out_indices:
                outs[index] = x
        return tuple(outs[index] for index in self.out_indices)

    def stem_and_stages(self) -> Parts:
        """The stem, and each dense block with the transition in front of it."""
        stages: list[list[nn.Module]] = [[block] for block in self.blocks]
        for parts, transition in zip(stages[1:], self.transitions, strict=True):
            parts.append(transition)
        return [[self.stem], *stages]
