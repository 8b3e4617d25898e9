"""The network of 13 layers in which semi-supervised methods are compared on small photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmvisx.registry import MODELS

from .base import HE, Backbone, Parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmengine.config import ConfigDict

__all__ = ['CNN13']

# Channels, kernel and padding of the convolutions of a stage
_STAGES = (
    ((128, 3, 1), (128, 3, 1), (128, 3, 1)),
    ((256, 3, 1), (256, 3, 1), (256, 3, 1)),
    ((512, 3, 0), (256, 1, 0), (128, 1, 0)),
)


@MODELS.register_module()
class CNN13(Backbone):
    """Nine convolutions with batch norm and leaky ReLU 0.1 in three stages, pooling between.

    3x3 with 128, 128, 128 channels, 2x2 max-pooling, 256, 256, 256, pooling, 512 without padding,
    then 1x1 with 256 and 128. With a ``GlobalAveragePooling`` and a linear layer for 10 classes
    3,123,850 parameters (convolutions have a bias).

    Args:
        in_channels: Channels of the image.
        width: Factor of all channels.
        noise: Standard deviation of what is added to normalised images in training; Laine and
            Aila use 0.15, the chapter does not mention it.
        dropout: Probability behind each pooling in training; Laine and Aila use 0.5, the chapter
            does not mention it.
        out_indices: Which of the three maps to give; negative numbers count from the end.
        frozen_stages: -1: everything learns; ``n``: nor do the first ``n`` stages.
        norm_eval: Keep batch norm in evaluation mode in training.
        init_cfg: Config of the initialisation.

    Source: 001, 3.2.5, which takes it from Laine and Aila, "Temporal Ensembling for
    Semi-Supervised Learning", Table 5, with batch norm in the place of weight normalisation.
    """

    def __init__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        noise: float = 0.0,
        dropout: float = 0.0,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        super().__init__(
            3, out_indices, frozen_stages, norm_eval, HE if init_cfg is None else init_cfg
        )
        self.noise = noise
        stages = []
        for number, shapes in enumerate(_STAGES):
            parts: list[nn.Module] = [nn.MaxPool2d(2), nn.Dropout(dropout)] if number else []
            for channels, kernel, padding in shapes:
                out = round(channels * width)
                parts.append(
                    ConvModule(
                        in_channels,
                        out,
                        kernel,
                        padding=padding,
                        bias=True,
                        norm_cfg=dict(type='BN'),
                        act_cfg=dict(type='LeakyReLU', negative_slope=0.1),
                    )
                )
                in_channels = out
            stages.append(nn.Sequential(*parts))
        self.stages = nn.Sequential(*stages)
        self.finish([round(shapes[-1][0] * width) for shapes in _STAGES])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, in_channels, H, W)``, 12x12 or larger, to maps of ``out_indices``."""
        if self.training and self.noise:
            x = x + self.noise * torch.randn_like(x)
        return self.maps_of(x, self.stages)

    def stem_and_stages(self) -> Parts:
        """Nothing, and each stage."""
        return [[], *([stage] for stage in self.stages)]
