"""The dense head of Stacked U-Nets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['DeGriddingHead']


@MODELS.register_module()
class DeGriddingHead(BaseDecodeHead):
    """3x3 convolutions of falling dilation, each with norm and ReLU, and a 1x1 classifier.

    Dilated blocks see a grid of pixels; the convolutions mix its points. What comes out is
    upsampled bilinearly to the size of the labels or of the image.

    Args:
        in_channels: Channels of the map.
        channels: Channels of the 3x3 convolutions.
        dilations: Of each convolution.
        dropout_ratio: Share of channels that the classifier does not see in training.
        norm_cfg: Config of the norm layers; ``None``: batch norm with momentum 0.01.
        init_cfg: ``None``: normal distribution of He et al. by the outgoing connections.
        kwargs: See :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`:
            ``num_classes``, ``loss_decode``, ``ignore_index`` and others.

    Raises:
        UserError: ``dilations`` is empty or holds something else than whole numbers >= 1.

    Source: 002, Table 4.1, "De-gridding Block".
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 512,
        dilations: Sequence[int] = (2, 1),
        dropout_ratio: float = 0.0,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict | list[dict] | None = None,
        **kwargs: Any,
    ) -> None:
        if not dilations or not all(isinstance(d, int) and d >= 1 for d in dilations):
            raise UserError(
                f'dilations={dilations!r} of DeGriddingHead must be whole numbers >= 1, one for '
                'each 3x3 convolution'
            )
        norm_cfg = norm_cfg or dict(type='BN', momentum=0.01)
        super().__init__(
            in_channels=in_channels,
            channels=channels,
            dropout_ratio=dropout_ratio,
            norm_cfg=norm_cfg,
            init_cfg=init_cfg
            or [
                dict(type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal'),
                dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
            ],
            **kwargs,
        )
        layers: list[nn.Module] = []
        for dilation in dilations:
            layers += [
                # With a bias, as everywhere in this network.
                nn.Conv2d(in_channels, channels, 3, padding=dilation, dilation=dilation),
                build_norm_layer(norm_cfg, channels)[1],
                nn.ReLU(inplace=True),
            ]
            in_channels = channels
        self.convs = nn.Sequential(*layers)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Map the maps of the backbone to scores ``(N, num_classes, H, W)`` of ``in_index``'s."""
        return self.cls_seg(self.convs(self._transform_inputs(inputs)))
