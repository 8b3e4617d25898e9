"""The last stage of a ResNet-A to -D as the shared head of a detector without a pyramid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mmvisx.models.backbones.base import CheckedInit
from mmvisx.models.backbones.resnet_tweak import ResNetTweak, rename_weights
from mmvisx.registry import MODELS

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['ResNetTweakStage']


@MODELS.register_module()
class ResNetTweakStage(CheckedInit):
    """Fourth stage of :class:`ResNetTweak`, for ``roi_head.shared_head``.

    mmdet's ``ResLayer`` is that of the variants ``'a'`` and ``'b'`` only.

    Args:
        depth: As of the backbone.
        variant: As of the backbone.
        norm_eval: Keep the statistics of the norms as they are.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix='backbone.')`` with the
            checkpoint of the backbone.
        **kwargs: Of :class:`ResNetTweak`: ``norm_cfg``, ``base_channels``, ``strides`` ...

    Parameter names are the backbone's (``layer4.0.conv1.weight``).

    Source: 000, 2.6, Table 2.8.
    """

    def __init__(
        self,
        depth: int = 50,
        variant: str = 'd',
        norm_eval: bool = True,
        init_cfg: ConfigDict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        self.norm_eval = norm_eval
        self.layer4 = ResNetTweak(depth, variant, **kwargs).layer4
        self.register_load_state_dict_pre_hook(rename_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Map pooled regions ``(R, 1024, H, W)`` to ``(R, 2048, H / 2, W / 2)``."""
        return self.layer4(x)

    def train(self, mode: bool = True) -> ResNetTweakStage:
        """Set the mode."""
        super().train(mode)
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self
