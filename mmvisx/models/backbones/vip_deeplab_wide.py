"""The wide residual network of ViP-DeepLab."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from mmpretrain.models.backbones.resnet import BasicBlock
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .base import HE, Backbone, Parts

__all__ = ['WideResNet41']

# Of each stage: blocks, channels, stride of the first block. The last stage has bottlenecks.
BASIC_STAGES = ((3, 128, 1), (3, 256, 2), (6, 512, 2), (3, 1024, 2))
BOTTLENECKS, BOTTLENECK_CHANNELS = 3, (512, 1024, 2048)
LAST_DILATION = 2


@MODELS.register_module()
class WideResNet41(Backbone):
    """Few and wide blocks: 40 convolutions, maps at strides 2, 4, 8, 16 and 16.

    A 3x3 stem of stride 2 and 64 channels; 3, 3, 6 and 3 blocks of two 3x3 convolutions with 128,
    256, 512 and 1,024 channels; three blocks of 1x1, 3x3 and 1x1 with 512, 1,024 and 2,048, whose
    3x3 is dilated by two, so that the last stage stays at stride 16. Activations stand behind the
    convolutions, and the shortcut's addition in front of the last.

    Args:
        width: Factor of all channels.
        drop_path_rate: Of the last block; it rises linearly from 0 in the first.
        norm_cfg: Config of the norms.
        out_indices: As of all backbones: 0 to 4.
        frozen_stages: As of all backbones.
        norm_eval: As of all backbones.
        init_cfg: Kaiming's normal distribution by default.

    Raises:
        UserError: ``width`` that leaves no channel, ``drop_path_rate`` outside [0, 1); an index
            or a stage that is not there.

    Source: 001, 7.5.2, Table 7-III, "WR-41"; its layers are those of the networks it cites.
    """

    def __init__(
        self,
        width: float = 1.0,
        drop_path_rate: float = 0.2,
        norm_cfg: dict | None = None,
        out_indices: int | Sequence[int] = (1, 2, 4),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        stages = len(BASIC_STAGES) + 1
        super().__init__(stages, out_indices, frozen_stages, norm_eval, init_cfg or HE)
        if not 64 * width >= 1:
            raise UserError(f'width={width!r} of WideResNet41 leaves the stem no channel')
        if not 0 <= drop_path_rate < 1:
            raise UserError(f'drop_path_rate={drop_path_rate!r} must lie in [0, 1)')
        norm = norm_cfg or dict(type='BN')
        blocks = sum(count for count, *_ in BASIC_STAGES) + BOTTLENECKS
        rates = iter([drop_path_rate * n / (blocks - 1) for n in range(blocks)])
        inputs = int(64 * width)
        self.stem = ConvModule(3, inputs, 3, stride=2, padding=1, norm_cfg=norm)
        self.stages = nn.ModuleList()
        channels = []
        for count, base, stride in BASIC_STAGES:
            outputs = int(base * width)
            stage = nn.Sequential()
            for n in range(count):
                step = stride if n == 0 else 1
                stage.append(_basic(inputs, outputs, step, next(rates), norm))
                inputs = outputs
            self.stages.append(stage)
            channels.append(outputs)
        last = nn.Sequential()
        inner = [int(base * width) for base in BOTTLENECK_CHANNELS]
        for _ in range(BOTTLENECKS):
            last.append(WideBottleneck(inputs, inner, LAST_DILATION, next(rates), norm))
            inputs = inner[-1]
        self.stages.append(last)
        self.finish([*channels, inputs])

    def stem_and_stages(self) -> Parts:
        """The modules of the stem, and the one of each stage."""
        return [[self.stem], *([stage] for stage in self.stages)]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the maps of ``out_indices`` of images ``(N, 3, H, W)``."""
        return self.maps_of(self.stem(x), self.stages)


class WideBottleneck(BaseModule):
    """1x1, dilated 3x3 and 1x1 convolutions of three widths, and a shortcut.

    Args:
        in_channels: Of the input.
        channels: Of the three convolutions.
        dilation: Of the second.
        drop_path_rate: How often a training leaves the convolutions out, for each image.
        norm_cfg: Config of the norms.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        dilation: int,
        drop_path_rate: float,
        norm_cfg: dict,
    ) -> None:
        super().__init__()
        first, second, third = channels
        self.convs = nn.Sequential(
            ConvModule(in_channels, first, 1, norm_cfg=norm_cfg),
            ConvModule(first, second, 3, padding=dilation, dilation=dilation, norm_cfg=norm_cfg),
            ConvModule(second, third, 1, norm_cfg=norm_cfg, act_cfg=None),
        )
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != third:
            self.shortcut = ConvModule(in_channels, third, 1, norm_cfg=norm_cfg, act_cfg=None)
        self.drop_path = DropPath(drop_path_rate)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(N, channels[2], H, W)`` of ``(N, in_channels, H, W)``."""
        out: Tensor = self.relu(self.shortcut(x) + self.drop_path(self.convs(x)))
        return out


def _basic(
    in_channels: int, channels: int, stride: int, drop_path_rate: float, norm_cfg: dict
) -> BasicBlock:
    downsample = None
    if stride > 1 or in_channels != channels:
        downsample = ConvModule(
            in_channels, channels, 1, stride=stride, norm_cfg=norm_cfg, act_cfg=None
        )
    return BasicBlock(
        in_channels,
        channels,
        stride=stride,
        downsample=downsample,
        norm_cfg=norm_cfg,
        drop_path_rate=drop_path_rate,
    )
