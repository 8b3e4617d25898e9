"""Context of a pixel: atrous spatial pyramids, one or a cascade.

Letters: C channels of the features, D of what a pyramid gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.models.decode_heads.aspp_head import ASPPModule
from torch import Tensor, nn

from mmvisx.utils.errors import UserError

__all__ = ['AtrousPyramid', 'CascadeASPP']

MAX_MODULES = 4
RELU = dict(type='ReLU')


class AtrousPyramid(BaseModule):
    """A 1x1 convolution, dilated 3x3 ones and the mean of the image, joined by a 1x1 convolution.

    Args:
        in_channels: C.
        channels: D, also of each branch.
        dilations: Of the 3x3 convolutions.
        norm_cfg: Config of the norms. Batch norm needs two images in training: the mean of the
            image is one value for each.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 256,
        dilations: Sequence[int] = (3, 6, 9),
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        norm = norm_cfg or dict(type='BN')
        self.branches = ASPPModule((1, *dilations), in_channels, channels, None, norm, RELU)
        self.pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), ConvModule(in_channels, channels, 1, norm_cfg=norm)
        )
        self.project = ConvModule(channels * (len(dilations) + 2), channels, 1, norm_cfg=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(N, D, H, W)`` of ``(N, C, H, W)``."""
        mean = self.pool(x).expand(-1, -1, *x.shape[2:])
        out: Tensor = self.project(torch.cat([mean, *self.branches(x)], dim=1))
        return out


class CascadeASPP(BaseModule):
    """Densely connected pyramids: each reads what all before it gave, the last one's goes on.

    The first reads the features, the i-th the outputs of the first i - 1, so that pixels see
    further with each. One module is a plain :class:`AtrousPyramid`.

    Args:
        in_channels: C.
        num_modules: 1 to 4; 4 in the document.
        dense_input: Give the features to every module, too.
        channels: D of each.
        dilations: Of each.
        norm_cfg: Config of the norms.

    Raises:
        UserError: ``num_modules`` that is not 1 to 4.

    Source: 001, 7.3.1.2. It says "densely-connected" and leaves open what is connected.
    """

    def __init__(
        self,
        in_channels: int,
        num_modules: int = 4,
        dense_input: bool = False,
        channels: int = 256,
        dilations: Sequence[int] = (3, 6, 9),
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        if num_modules not in range(1, MAX_MODULES + 1):
            raise UserError(
                f'num_modules={num_modules!r} of CascadeASPP must be 1 to {MAX_MODULES}'
            )
        self.dense_input = dense_input
        self.pyramids = nn.ModuleList()
        for index in range(num_modules):
            inputs = channels * index
            if index == 0 or dense_input:
                inputs += in_channels
            self.pyramids.append(AtrousPyramid(inputs, channels, dilations, norm_cfg))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(N, D, H, W)`` of ``(N, C, H, W)``."""
        outputs = [self.pyramids[0](x)]
        for pyramid in self.pyramids[1:]:
            inputs = [x, *outputs] if self.dense_input else outputs
            outputs.append(pyramid(torch.cat(inputs, dim=1)))
        return outputs[-1]
