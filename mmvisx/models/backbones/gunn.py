"""Gradually updated neural networks for CIFAR and ImageNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmvisx.models.layers import GraduallyUpdated
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .base import HE, Backbone, Parts

__all__ = ['GUNN']

Stage = tuple[int, int, int, int]
STEMS = ('cifar', 'imagenet')


@dataclass(frozen=True)
class Architecture:
    """What a named network consists of.

    Attributes:
        stages: ``(N, P, K, M)`` of each GUNN layer (4.5.1.3).
        stem: Family: 'cifar' or 'imagenet'.
        final_channels: Channels of the 1x1 convolution behind the last stage, 0: none.

    Source: 001, Tables 4-I and 4-II.
    """

    stages: tuple[Stage, ...]
    stem: str
    final_channels: int = 0


@MODELS.register_module()
class GUNN(Backbone):
    """Gradually updated neural network, or the simultaneously updated one (SUNN).

    A stage is a 1x1 convolution with batch norm and ReLU that gives the stage its channels,
    and one :class:`GraduallyUpdated` layer; 2x2 average pooling lies between the stages.

    Args:
        arch: 'gunn15', 'gunn24' (CIFAR), 'gunn18', 'wide_gunn18' (ImageNet), or a sequence
            with ``(N, P, K, M)`` of each stage: channels, segments, expansion of the
            bottleneck, number of bottlenecks in a unit.
        in_channels: Channels of the images.
        mode: 'gradual' (GUNN) or 'simultaneous' (SUNN).
        residual: ``False``: the units replace their segment (NoRes of Table 4-IV).
        memory_efficient: See :class:`GraduallyUpdated`.
        stem: Family. 'cifar': 3x3 convolution at full size, pooling behind the 1x1
            convolution, units with a 1x1 convolution beside the bottleneck. 'imagenet':
            7x7 convolution and max-pooling to a quarter, pooling in front of the 1x1
            convolution. ``None``: of ``arch``; for a sequence 'imagenet'.
        final_channels: Channels of a 1x1 convolution with batch norm and ReLU behind the
            last stage, 0 for none. ``None``: of ``arch``; for a sequence 0.
        out_indices: Which maps to give, by stage; the final convolution counts as one more
            stage; negative numbers count from the end. What lies behind the last of them
            is not built.
        frozen_stages: -1: nothing; 0: the stem does not learn; ``n``: nor do ``n`` stages.
        norm_eval: Keep batch norm in evaluation mode in training.
        norm_cfg: Config of the norm layers.
        init_cfg: See :class:`mmengine.model.BaseModule`; ``None``: normal distribution of
            He et al. for convolutions.

    Raises:
        UserError: An unknown name, a stage that is not four whole numbers >= 1 or whose
            ``N`` is not a multiple of ``P``, or an index without a stage.

    Source: 001, 4.5, Tables 4-I and 4-II. Stages have strides 1, 2, 4 (CIFAR) and
    4, 8, 16, 32 (ImageNet).

    Differs from the document where that leaves no choice: see :class:`BottleneckUpdate`,
    and the order of pooling and convolution above, which is the authors' published code's.
    """

    arch_settings: ClassVar[dict[str, Architecture]] = {
        'gunn15': Architecture(
            ((240, 20, 2, 1), (300, 25, 2, 1), (360, 30, 2, 1)), 'cifar', final_channels=360
        ),
        'gunn24': Architecture(
            ((720, 20, 3, 2), (900, 25, 3, 2), (1080, 30, 3, 2)), 'cifar', final_channels=1080
        ),
        'gunn18': Architecture(
            ((400, 10, 2, 1), (800, 20, 2, 1), (1600, 40, 2, 1), (2000, 50, 2, 1)), 'imagenet'
        ),
        'wide_gunn18': Architecture(
            ((1200, 30, 2, 1), (1600, 40, 2, 1), (2000, 50, 2, 1), (2000, 50, 2, 1)), 'imagenet'
        ),
    }

    def __init__(
        self,
        arch: str | Sequence[Sequence[int]] = 'gunn18',
        in_channels: int = 3,
        mode: str = 'gradual',
        residual: bool = True,
        memory_efficient: bool = True,
        stem: str | None = None,
        final_channels: int | None = None,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        settings = self._settings(arch)
        stem = settings.stem if stem is None else stem
        if stem not in STEMS:
            raise UserError(f'stem={stem!r} of GUNN is not one of {STEMS}')
        final_channels = settings.final_channels if final_channels is None else final_channels
        if not isinstance(final_channels, int) or final_channels < 0:
            raise UserError(f'final_channels={final_channels!r} of GUNN must be a number >= 0')
        total = len(settings.stages) + bool(final_channels)
        super().__init__(total, out_indices, frozen_stages, norm_eval, init_cfg or HE)
        norm_cfg = norm_cfg or dict(type='BN')

        cifar = stem == 'cifar'
        self.stem = _cifar_stem(in_channels, norm_cfg) if cifar else _stem(in_channels, norm_cfg)
        channels = 64
        self.stages = nn.ModuleList()
        for index, (n, p, k, m) in enumerate(settings.stages[: max(self.out_indices) + 1]):
            entry: list[nn.Module] = [ConvModule(channels, n, 1, bias=False, norm_cfg=norm_cfg)]
            if index > 0:
                # Both orders are the published code's.
                entry.insert(1 if cifar else 0, nn.AvgPool2d(2))
            unit = dict(
                type='mmvisx.BottleneckUpdate',
                expansion=k,
                stacks=m,
                shortcut_conv=cifar,
                norm_cfg=norm_cfg,
            )
            layer = GraduallyUpdated(n, p, unit, mode, residual, memory_efficient)
            self.stages.append(nn.Sequential(*entry, layer))
            channels = n
        if max(self.out_indices) == len(settings.stages):
            self.stages.append(
                ConvModule(channels, final_channels, 1, bias=False, norm_cfg=norm_cfg)
            )
        self.finish([*(stage[0] for stage in settings.stages), final_channels])

    @classmethod
    def _settings(cls, arch: Any) -> Architecture:
        if isinstance(arch, str):
            if arch not in cls.arch_settings:
                raise UserError(
                    f'arch={arch!r} of GUNN is not one of {sorted(cls.arch_settings)}; or give '
                    '(N, P, K, M) of each stage'
                )
            return cls.arch_settings[arch]
        stages = []
        if not isinstance(arch, Sequence) or not arch:
            raise UserError(f'arch={arch!r} of GUNN must be a name or (N, P, K, M) of each stage')
        for index, stage in enumerate(arch):
            if (
                not isinstance(stage, Sequence)
                or len(stage) != 4
                or not all(isinstance(value, int) and value >= 1 for value in stage)
            ):
                raise UserError(
                    f'stage {index} of arch is {stage!r}, must be four whole numbers >= 1: '
                    'channels N, segments P, expansion K, bottlenecks M'
                )
            n, p, k, m = stage
            if n % p:
                raise UserError(
                    f'stage {index} of arch has N={n} channels, which P={p} segments do not '
                    'divide: N must be a multiple of P'
                )
            stages.append((n, p, k, m))
        return Architecture(tuple(stages), 'imagenet')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(B, in_channels, H, W)`` to the maps of ``out_indices``, in their order."""
        return self.maps_of(self.stem(x), self.stages)

    def stem_and_stages(self) -> Parts:
        """The stem, and each stage; the final convolution is one more."""
        return [[self.stem], *([stage] for stage in self.stages)]


def _stem(in_channels: int, norm_cfg: dict[str, Any]) -> nn.Module:
    conv = ConvModule(in_channels, 64, 7, stride=2, padding=3, bias=False, norm_cfg=norm_cfg)
    return nn.Sequential(conv, nn.MaxPool2d(3, stride=2, padding=1))


def _cifar_stem(in_channels: int, norm_cfg: dict[str, Any]) -> nn.Module:
    return ConvModule(in_channels, 64, 3, padding=1, bias=False, norm_cfg=norm_cfg)
