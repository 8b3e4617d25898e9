"""The bottleneck that updates one segment of the channels (GUNN)."""

from __future__ import annotations

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['BottleneckUpdate']


@MODELS.register_module()
class BottleneckUpdate(BaseModule):
    """Bottleneck update unit (Figure 4-4).

    ``stacks`` times: 1x1 convolution, 3x3, 1x1, each with batch norm and the first two with
    ReLU.

    Args:
        in_channels: Channels that it reads, ``N``.
        out_channels: Channels that it gives, ``N / P``.
        expansion: ``K``: the inner convolutions have ``K * out_channels`` channels.
        stacks: ``M``: number of three-layer units, one behind the other.
        shortcut_conv: Add the output of a 1x1 convolution with batch norm next to them.
        norm_cfg: Config of the norm layers.
        init_cfg: See :class:`mmengine.model.BaseModule`.

    Raises:
        UserError: A number below 1.

    Source: 001, 4.5.1.1.

    Differs from the document: it does not mention ``shortcut_conv``, without which the
    parameters of the CIFAR networks are fewer than it prints.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: int = 2,
        stacks: int = 1,
        shortcut_conv: bool = False,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for name, value in (
            ('in_channels', in_channels),
            ('out_channels', out_channels),
            ('expansion', expansion),
            ('stacks', stacks),
        ):
            if not isinstance(value, int) or value < 1:
                raise UserError(f'{name}={value!r} of an update unit must be a whole number >= 1')
        norm_cfg = norm_cfg or dict(type='BN')
        inner = expansion * out_channels
        layers = []
        for index in range(stacks):
            entry = in_channels if index == 0 else out_channels
            layers += [
                ConvModule(entry, inner, 1, bias=False, norm_cfg=norm_cfg),
                ConvModule(inner, inner, 3, padding=1, bias=False, norm_cfg=norm_cfg),
                ConvModule(inner, out_channels, 1, bias=False, norm_cfg=norm_cfg, act_cfg=None),
            ]
        self.bottleneck = nn.Sequential(*layers)
        self.shortcut = (
            ConvModule(in_channels, out_channels, 1, bias=False, norm_cfg=norm_cfg, act_cfg=None)
            if shortcut_conv
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, in_channels, H, W)`` to ``(B, out_channels, H, W)``."""
        out = self.bottleneck(x)
        return out if self.shortcut is None else out + self.shortcut(x)
