"""ResNet with switchable atrous convolutions and feedback inputs (DetectoRS)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch.utils.checkpoint as cp
from mmcv.cnn import build_conv_layer
from mmdet.models.backbones.resnet import Bottleneck, ResNet
from mmdet.models.layers import ResLayer
from mmengine.model import constant_init, kaiming_init
from torch import Tensor, nn

from mmvisx.models.layers import ConvAWS2d, SwitchableAtrousConv2d
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import name_layers

from .base import ResNetMixin

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['DetectoRSBottleneck', 'DetectoRSResNet', 'FeedbackMixin', 'SharedBackbone']


class FeedbackMixin(nn.Module):
    """Give a ResNet bottleneck a SAC 3x3 convolution and room for a feedback input.

    To be put in front of one of mmdet's bottlenecks.

    Args:
        sac: Config of the convolution that replaces ``conv2``; ``None`` leaves it.

    Source: 001, 6.3.2, Figure 6-3.
    """

    # Of mmdet's bottlenecks.
    conv2: Any
    planes: int
    expansion: int
    relu: nn.Module
    downsample: nn.Module | None
    with_cp: bool
    with_plugins: bool
    norm3: nn.Module
    forward_plugin: Any

    def __init__(self, *args: Any, sac: ConfigDict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sac is not None:
            plain = self.conv2
            self.conv2 = build_conv_layer(
                sac,
                plain.in_channels,
                plain.out_channels,
                kernel_size=3,
                stride=plain.stride,
                padding=plain.padding,
                dilation=plain.dilation,
                groups=plain.groups,
                bias=False,
            )

    def add_feedback(self, channels: int) -> None:
        """Add the convolution of a feedback feature with that many channels."""
        self.rfp_conv = nn.Conv2d(channels, self.planes * self.expansion, 1)
        self.reset_feedback()

    def reset_feedback(self) -> None:
        """Zero the feedback convolution, so that it has no effect (6.3.2)."""
        if hasattr(self, 'rfp_conv'):
            constant_init(self.rfp_conv, 0)

    def _residual_sum(self, x: Tensor) -> Tensor:
        """Return shortcut plus branch before the last ReLU, ``(N, 4 * planes, Ho, Wo)``."""
        out = x
        for index in (1, 2, 3):
            out = getattr(self, f'norm{index}')(getattr(self, f'conv{index}')(out))
            if index < 3:
                out = self.relu(out)
            if self.with_plugins:
                out = self.forward_plugin(out, getattr(self, f'after_conv{index}_plugin_names'))
        return out + (x if self.downsample is None else self.downsample(x))

    def forward(self, x: Tensor, rfp_feat: Tensor | None = None) -> Tensor:
        """Map ``(N, C, H, W)`` and a feedback feature of the output's size (Figure 6-3)."""
        if self.with_cp and x.requires_grad:
            out = cp.checkpoint(self._residual_sum, x, use_reentrant=False)
        else:
            out = self._residual_sum(x)
        if rfp_feat is not None:
            out = out + self.rfp_conv(rfp_feat)
        return self.relu(out)


class DetectoRSBottleneck(FeedbackMixin, Bottleneck):
    """Bottleneck of :class:`DetectoRSResNet`.

    Source: 001, 6.3.2, Figure 6-3.
    """


@dataclass
class SharedBackbone:
    """Handle with which the neck runs the very same backbone again ('RFP + sharing').

    Source: 001, Table 6-III ("RFP + sharing").
    """

    backbone: DetectoRSResNet

    def run_again(
        self, stages: Sequence[Tensor], rfp_feats: Sequence[Tensor]
    ) -> tuple[Tensor, ...]:
        """Return the stages' maps under new feedback.

        Args:
            stages: Maps ``(N, C, H, W)`` of the previous run. The first does not depend on the
                feedback and is taken over, so that stem and first stage run once per image.
            rfp_feats: As in :meth:`DetectoRSResNet.rfp_forward`.
        """
        return (stages[0], *self.backbone._run_stages(stages[0], rfp_feats, start=1))


@MODELS.register_module()
class DetectoRSResNet(ResNetMixin, ResNet):
    """ResNet whose 3x3 convolutions may be SAC and whose stages take feedback.

    Args:
        sac: Config of the convolution that replaces the 3x3 convolutions, for example
            ``dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True)``.
        stage_with_sac: Which stages it replaces; the authors' code: 2 to 4.
        rfp_inplanes: Channels of the feedback features; ``None``: no feedback inputs.
        output_img: Put the image in front of the outputs, as the neck wants it.
        rfp_sharing: Put a :class:`SharedBackbone` there instead, so that the neck runs
            this backbone again ('RFP + sharing', Table 6-III). Needs ``rfp_inplanes``.
        init_cfg: Only ``type='Pretrained'`` or ``None`` (training from scratch).
        **kwargs: Of :class:`mmdet.models.ResNet`. Depths 14 and 26 (one and two
            bottlenecks a stage) exist for small data and machines without a GPU.

    Raises:
        ValueError: ``rfp_sharing`` without ``rfp_inplanes`` or without the first stage
            among the outputs.
        UserError: Another ``init_cfg``.

    Source: 001, 6.3.2, 6.4.4. Parameter names are those of mmdet's
    ``DetectoRS_ResNet``. New SAC and feedback convolutions have no effect at first, so
    a plain ImageNet checkpoint gives the plain network. From scratch the activations
    stay at unit scale: Kaiming weights that the standardisation leaves as they are,
    and (``zero_init_residual``) branches that start at zero.
    """

    # What SAC and the feedback add to the ResNet that was pretrained, and mmdet's DCN.
    new_parts = (
        r'\.conv2\.(weight_diff|switch|pre_context|post_context|offset_[sl]|conv_offset)',
        r'\.rfp_conv\.',
    )
    arch_settings: ClassVar[dict[int, tuple]] = {
        14: (DetectoRSBottleneck, (1, 1, 1, 1)),
        26: (DetectoRSBottleneck, (2, 2, 2, 2)),
        50: (DetectoRSBottleneck, (3, 4, 6, 3)),
        101: (DetectoRSBottleneck, (3, 4, 23, 3)),
        152: (DetectoRSBottleneck, (3, 8, 36, 3)),
    }

    def __init__(
        self,
        *args: Any,
        sac: ConfigDict | None = None,
        stage_with_sac: Sequence[bool] = (False, True, True, True),
        rfp_inplanes: int | None = None,
        output_img: bool = False,
        rfp_sharing: bool = False,
        init_cfg: ConfigDict | None = None,
        **kwargs: Any,
    ) -> None:
        named = isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained'
        if init_cfg is not None and not named:
            raise UserError(
                f'init_cfg={init_cfg!r} of {type(self).__name__} must be None or '
                "dict(type='Pretrained', checkpoint='FILE')"
            )
        if rfp_sharing and rfp_inplanes is None:
            raise ValueError('rfp_sharing=True needs rfp_inplanes, the channels of the feedback')
        self.sac = sac
        self.stage_with_sac = tuple(stage_with_sac)
        self.rfp_inplanes = rfp_inplanes
        self.output_img = output_img
        self.rfp_sharing = rfp_sharing
        super().__init__(*args, init_cfg=init_cfg, **kwargs)
        if rfp_sharing and 0 not in self.out_indices:
            raise ValueError('rfp_sharing=True needs the first stage (0) in out_indices')
        name_layers(self)

    def make_res_layer(self, **kwargs: Any) -> ResLayer:
        """Build a stage; only its first block takes the feedback."""
        stage = len(self.res_layers)
        if self.sac is not None and self.stage_with_sac[stage]:
            kwargs['sac'] = self.sac
        # As the reference: no pooling in front of a shortcut that does not shrink.
        kwargs['avg_down'] = kwargs['avg_down'] and kwargs['stride'] != 1
        layer = ResLayer(**kwargs)
        if self.rfp_inplanes is not None and stage > 0:
            layer[0].add_feedback(self.rfp_inplanes)
        return layer

    def init_weights(self) -> None:
        """Load the pretrained weights, or draw new ones around identity SACs."""
        super().init_weights()
        if isinstance(self.init_cfg, dict):  # mmdet's own, for training from scratch, is a list
            return
        # Fan-in, so that the scale is kept without batch statistics as well. (The base class
        # draws for direct subclasses of Conv2d only.)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                kaiming_init(module, mode='fan_in')
        for module in self.modules():
            if isinstance(module, SwitchableAtrousConv2d):
                module.reset_to_identity()
            elif isinstance(module, ConvAWS2d):
                module.absorb_weight()
            elif isinstance(module, FeedbackMixin):
                module.reset_feedback()
                if self.zero_init_residual:
                    constant_init(module.norm3, 0)

    def forward(self, x: Tensor) -> tuple[Any, ...]:
        """Map images ``(N, 3, H, W)`` to the maps of ``out_indices``.

        With ``output_img`` or ``rfp_sharing`` the image or a :class:`SharedBackbone`
        stands in front.
        """
        outs = self._run_stages(self._run_stem(x), None)
        if self.rfp_sharing:
            return (SharedBackbone(self), *outs)
        return (x, *outs) if self.output_img else outs

    def rfp_forward(self, x: Tensor, rfp_feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Run again on the images, with one feedback feature per stage (Eq. 6.3).

        Args:
            x: Images, ``(N, 3, H, W)``.
            rfp_feats: ``(N, rfp_inplanes, Hi, Wi)`` for each stage; the first stage has
                no feedback input and its feature is not used.
        """
        return self._run_stages(self._run_stem(x), rfp_feats)

    def _run_stem(self, x: Tensor) -> Tensor:
        x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        return self.maxpool(x)

    def _run_stages(
        self, x: Tensor, rfp_feats: Sequence[Tensor] | None, start: int = 0
    ) -> tuple[Tensor, ...]:
        """Run the stages from index ``start`` on; ``x`` is the input of that stage."""
        outs = []
        for index, name in enumerate(self.res_layers[start:], start):
            first, *others = getattr(self, name)
            x = first(x, rfp_feats[index] if rfp_feats is not None and index > 0 else None)
            for block in others:
                x = block(x)
            if index in self.out_indices:
                outs.append(x)
        return tuple(outs)
