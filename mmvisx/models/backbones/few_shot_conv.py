"""The simple network of few-shot benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmvisx.registry import MODELS

from .base import HE, Backbone, Parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmengine.config import ConfigDict

__all__ = ['FourConv']


@MODELS.register_module()
class FourConv(Backbone):
    """Four 3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after the first three.

    With 64 channels on colour images 3 * 9 * 64 + 3 * 9 * 64^2 + 4 * 2 * 64 = 112,832 parameters.
    Behind it a ``GlobalAveragePooling`` makes the activations.

    Args:
        in_channels: Channels of the image.
        channels: Of each convolution.
        out_indices: Which of the four maps to give; negative numbers count from the end.
        frozen_stages: -1: everything learns; ``n``: nor do the first ``n`` convolutions.
        norm_eval: Keep batch norm in evaluation mode in training.
        init_cfg: Config of the initialisation.

    Source: 001, 2.2.4.2 ("the same as that of Matching Network"). Differs from the document:
    average pooling behind it and no fourth max-pooling, as in the authors' code.
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels: int = 64,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        super().__init__(
            4, out_indices, frozen_stages, norm_eval, HE if init_cfg is None else init_cfg
        )
        stages = []
        for number in range(4):
            convolution = ConvModule(
                in_channels if number == 0 else channels,
                channels,
                3,
                padding=1,
                bias=False,
                norm_cfg=dict(type='BN'),
            )
            pooling = [nn.MaxPool2d(2)] if number else []
            stages.append(nn.Sequential(*pooling, convolution))
        self.stages = nn.Sequential(*stages)
        self.finish([channels] * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, in_channels, H, W)`` to the maps of ``out_indices``."""
        return self.maps_of(x, self.stages)

    def stem_and_stages(self) -> Parts:
        """Nothing, and each convolution."""
        return [[], *([stage] for stage in self.stages)]
