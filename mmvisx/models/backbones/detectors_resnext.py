"""ResNeXt with switchable atrous convolutions and feedback inputs (DetectoRS)."""

from __future__ import annotations

from typing import Any, ClassVar

from mmdet.models.backbones.resnext import Bottleneck
from mmdet.models.layers import ResLayer

from mmvisx.registry import MODELS

from .detectors_resnet import DetectoRSResNet, FeedbackMixin

__all__ = ['DetectoRSResNeXt', 'DetectoRSResNeXtBottleneck']


class DetectoRSResNeXtBottleneck(FeedbackMixin, Bottleneck):
    """Bottleneck of :class:`DetectoRSResNeXt`.

    Source: 001, 6.3.2, Figure 6-3.
    """


@MODELS.register_module()
class DetectoRSResNeXt(DetectoRSResNet):
    """:class:`DetectoRSResNet` with grouped 3x3 convolutions.

    Args:
        groups: Groups of the 3x3 convolutions (cardinality).
        base_width: Channels of a group in the first stage.
        **kwargs: Of :class:`DetectoRSResNet`.

    Source: 001, 6.3.2, Figure 6-3.
    """

    arch_settings: ClassVar[dict[int, tuple]] = {
        depth: (DetectoRSResNeXtBottleneck, blocks)
        for depth, (_, blocks) in DetectoRSResNet.arch_settings.items()
    }

    def __init__(self, groups: int = 1, base_width: int = 4, **kwargs: Any) -> None:
        self.groups = groups
        self.base_width = base_width
        super().__init__(**kwargs)

    def make_res_layer(self, **kwargs: Any) -> ResLayer:
        """Build a stage of grouped bottlenecks."""
        return super().make_res_layer(
            groups=self.groups,
            base_width=self.base_width,
            base_channels=self.base_channels,
            **kwargs,
        )
