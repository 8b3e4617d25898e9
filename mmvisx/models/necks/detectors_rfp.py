"""Recursive Feature Pyramid (DetectoRS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from mmdet.models.necks import FPN
from mmengine.model import BaseModule, ModuleList, constant_init, kaiming_init, xavier_init
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.modules import name_layers

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

    from mmvisx.models.backbones.detectors_resnet import SharedBackbone

__all__ = ['RFPASPP', 'RecursiveFeaturePyramid']


class RFPASPP(BaseModule):
    """Connecting module ``R`` of the feedback: four parallel branches (6.3.3).

    1x1 convolutions for dilation 1, 3x3 convolutions for larger ones; the last branch
    sees the globally pooled feature. ReLU after each; no convolution behind them.

    Args:
        in_channels: Channels of the pyramid.
        out_channels: Channels of each branch.
        dilations: One per branch; the last must be 1.

    Source: 001, 6.3.3.
    """

    def __init__(
        self, in_channels: int, out_channels: int, dilations: Sequence[int] = (1, 3, 6, 1)
    ) -> None:
        super().__init__()
        if dilations[-1] != 1:
            raise ValueError(f'the last ASPP branch is pooled: its dilation is 1, got {dilations}')
        self.aspp = nn.ModuleList(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=1 if dilation == 1 else 3,
                padding=0 if dilation == 1 else dilation,
                dilation=dilation,
            )
            for dilation in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, branches * out_channels, H, W)``."""
        *spatial, pooled = self.aspp
        outs = [conv(x) for conv in spatial]
        outs.append(pooled(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:]))
        return torch.cat(outs, dim=1).relu()


@MODELS.register_module()
class RecursiveFeaturePyramid(FPN):
    """FPN whose outputs are fed back into the backbone, which runs again (Eq. 6.2, 6.3).

    Step 1 is a plain FPN. Each further step transforms the pyramid with ``R``, runs a
    backbone again from the image with these features as feedback, runs the same FPN on
    its outputs, and fuses new and old pyramid by ``s * new + (1 - s) * old`` with
    ``s = sigmoid(conv1x1(new))`` (6.3.4, Figure 6-4).

    Args:
        rfp_steps: Number of unrolled steps ``T``, at least 1.
        rfp_backbone: Config of the backbones of steps 2 to T; its ``rfp_inplanes`` is
            the number of channels of the feedback. ``None`` with ``rfp_sharing``.
        aspp_out_channels: Channels of each ASPP branch; a quarter of ``out_channels``.
        aspp_dilations: Dilations of the ASPP branches.
        rfp_sharing: Every step runs the detector's own backbone, which must be built
            with ``rfp_sharing=True`` as well ('RFP + sharing', Table 6-III).
        aspp: ``False``: ``R`` is the identity ('RFP - aspp').
        fusion: ``False``: the new pyramid replaces the old one ('RFP - fusion').
        **kwargs: Of :class:`mmdet.models.FPN`.

    Raises:
        ValueError: An argument is out of range or does not fit the others.

    Parameter names are those of mmdet's ``RFP``. ``rfp_aspp`` and ``rfp_weight`` are
    shared by all levels and steps.

    Source: 001, 6.3.2 to 6.3.4, Eq. 6.1 to 6.3.
    """

    def __init__(
        self,
        rfp_steps: int = 2,
        rfp_backbone: ConfigDict | None = None,
        aspp_out_channels: int = 64,
        aspp_dilations: Sequence[int] = (1, 3, 6, 1),
        rfp_sharing: bool = False,
        aspp: bool = True,
        fusion: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if rfp_steps < 1:
            raise ValueError(f'rfp_steps must be at least 1, got {rfp_steps}')
        if rfp_steps > 1 and rfp_sharing == (rfp_backbone is not None):
            raise ValueError(
                'give rfp_backbone for backbones of its own, or rfp_sharing=True to run the '
                f"detector's; got rfp_sharing={rfp_sharing} and rfp_backbone={rfp_backbone}"
            )
        self.rfp_steps = rfp_steps
        self.rfp_sharing = rfp_sharing
        self.rfp_modules = ModuleList(
            MODELS.build(rfp_backbone) for _ in range(0 if rfp_sharing else rfp_steps - 1)
        )
        recursive = rfp_steps > 1
        self.rfp_aspp = (
            RFPASPP(self.out_channels, aspp_out_channels, aspp_dilations)
            if aspp and recursive
            else None
        )
        self.rfp_weight = nn.Conv2d(self.out_channels, 1, 1) if fusion and recursive else None
        name_layers(self, 'neck')

    def init_weights(self) -> None:
        """Initialise the pyramid, the feedback path and the further backbones.

        The pyramid's own initialiser must not reach into ``rfp_modules``, whose
        pretrained weights and identity convolutions it would overwrite.
        """
        for convs in (self.lateral_convs, self.fpn_convs):
            for module in convs.modules():
                if isinstance(module, nn.Conv2d):
                    xavier_init(module, distribution='uniform')
        if self.rfp_aspp is not None:
            for conv in self.rfp_aspp.aspp:
                kaiming_init(conv)
        if self.rfp_weight is not None:
            constant_init(self.rfp_weight, 0)
        for backbone in self.rfp_modules:
            backbone.init_weights()
        self._is_init = True

    def forward(self, inputs: Sequence[Any]) -> tuple[Tensor, ...]:
        """Map the backbone's outputs to ``num_outs`` pyramid levels.

        Args:
            inputs: What a backbone with ``output_img`` (or ``rfp_sharing``) returns:
                the image or the backbone itself, then one map per stage, ``(N, Ci, Hi, Wi)``.

        Returns:
            ``num_outs`` maps ``(N, out_channels, Hi, Wi)``.
        """
        if len(inputs) != len(self.in_channels) + 1:
            raise ValueError(
                f'RecursiveFeaturePyramid wants the image and {len(self.in_channels)} maps, got '
                f'{len(inputs)} inputs: set output_img=True (or rfp_sharing=True) in the backbone'
            )
        first: Tensor | SharedBackbone = inputs[0]
        stages: Sequence[Tensor] = inputs[1:]
        if self.rfp_steps > 1 and self.rfp_sharing == isinstance(first, Tensor):
            raise ValueError(
                f'rfp_sharing={self.rfp_sharing} in the neck needs rfp_sharing={self.rfp_sharing} '
                'in the backbone'
            )
        pyramid = super().forward(tuple(stages))
        for step in range(self.rfp_steps - 1):
            feedback = self._feedback(pyramid)
            if not isinstance(first, Tensor):
                stages = first.run_again(stages, feedback)
            else:
                stages = self.rfp_modules[step].rfp_forward(first, feedback)
            pyramid = self._fuse(super().forward(tuple(stages)), pyramid)
        return tuple(pyramid)

    def _feedback(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Transform the levels that a stage reads; the first stage takes no feedback."""
        levels = list(pyramid[: len(self.in_channels)])
        if self.rfp_aspp is None:
            return levels
        return [levels[0], *(self.rfp_aspp(level) for level in levels[1:])]

    def _fuse(self, new: Sequence[Tensor], old: Sequence[Tensor]) -> list[Tensor]:
        if self.rfp_weight is None:
            return list(new)
        return [
            torch.lerp(o, n, torch.sigmoid(self.rfp_weight(n)))
            for n, o in zip(new, old, strict=True)
        ]
