"""Switchable Atrous Convolution (DetectoRS)."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from mmengine.model import constant_init
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmvisx.ops.deform_conv import deform_conv2d
from mmvisx.registry import MODELS

from .detectors_conv_aws import ConvAWS2d, no_autocast

__all__ = ['SwitchableAtrousConv2d', 'local_average']


def local_average(x: Tensor, size: int = 5) -> Tensor:
    """Average each pixel's ``size`` x ``size`` surroundings, ``(N, C, H, W)`` to the same.

    The border is reflected. Reflection needs a map larger than the border; a smaller
    one is continued with its edge values.
    """
    border = size // 2
    mode = 'reflect' if min(x.shape[-2:]) > border else 'replicate'
    # Sums in float32 under mixed precision, too.
    with no_autocast(x.device):
        padded = F.pad(x.to(torch.promote_types(x.dtype, torch.float32)), (border,) * 4, mode=mode)
        if padded.is_cuda:
            return F.avg_pool2d(padded, size, stride=1).to(x.dtype)
        # On CPUs a depthwise convolution is 10 times faster than avg_pool2d, 4 times backward.
        weight = padded.new_full((1, 1, size, size), size**-2).expand(x.shape[1], -1, -1, -1)
        return F.conv2d(padded, weight, groups=x.shape[1]).to(x.dtype)


@MODELS.register_module()
class SwitchableAtrousConv2d(ConvAWS2d):
    """Blend an atrous convolution with the same one at a larger rate (Eq. 6.4).

    ``y = S(x) * conv(x, w, r=1) + (1 - S(x)) * conv(x, w + dw, r=atrous_factor)``,
    with the switch ``S`` a 1x1 convolution of the locally averaged input, and a global
    context module (pooled features through a 1x1 convolution, added back) before and
    after. A new layer computes exactly what the plain convolution with its weight
    does: switch weight 0 and bias 1, contexts, ``weight_diff`` and offsets 0.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Odd kernel size.
        stride: Stride.
        padding: Zero padding of the rate-1 convolution: ``dilation * (kernel_size // 2)``,
            no other. Padding and dilation of the other branch are ``atrous_factor`` times
            these.
        dilation: Dilation of the rate-1 convolution.
        groups: Channel groups.
        bias: Add a bias to the blended output.
        use_deform: Deformable convolutions in both branches. Their offsets are 3x3
            convolutions of the locally averaged input and are not shared (6.4.4).
        global_context: The two global context modules (6.4.3).
        lock_weights: ``True``: the second branch uses ``w + dw``. ``False``: ``dw``
            alone ('SAC - DCN - locking', Table 6-III).
        switch: ``'single'``: ``S`` and ``1 - S``. ``'dual'``: two independent switches
            ('SAC - DCN + DS', Table 6-III), starting at 1 and 0.
        atrous_factor: Rate of the second branch relative to the first, at least 1.

    Raises:
        ValueError: An argument is out of range.

    Differs from the document: the weight is standardised (:class:`ConvAWS2d`) before
    ``dw`` is added, and the switch has no sigmoid; both from the authors' code.
    Parameter names are those of ``mmcv.ops.SAConv2d``.

    Source: 001, 6.4.2 to 6.4.4, Eq. 6.4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        use_deform: bool = False,
        global_context: bool = True,
        lock_weights: bool = True,
        switch: Literal['single', 'dual'] = 'single',
        atrous_factor: int = 3,
    ) -> None:
        if switch not in ('single', 'dual'):
            raise ValueError(f"switch must be 'single' or 'dual', got {switch!r}")
        if atrous_factor < 1:
            raise ValueError(f'atrous_factor must be at least 1, got {atrous_factor}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        if any(k % 2 == 0 for k in self.kernel_size):
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        same = tuple(d * (k // 2) for d, k in zip(self.dilation, self.kernel_size, strict=True))
        if self.padding != same:
            raise ValueError(
                f'padding must be {same}, so that switch and output have one size, got {padding}'
            )
        self.use_deform = use_deform
        self.global_context = global_context
        self.lock_weights = lock_weights
        self.dual_switch = switch == 'dual'
        self.atrous_factor = atrous_factor
        self.layer_name = type(self).__name__
        self.padding_s = (same[0], same[1])
        self.padding_l = (atrous_factor * same[0], atrous_factor * same[1])
        self.dilation_l = (atrous_factor * self.dilation[0], atrous_factor * self.dilation[1])
        self.switch = nn.Conv2d(in_channels, 2 if self.dual_switch else 1, 1, stride=self.stride)
        self.weight_diff = nn.Parameter(torch.zeros_like(self.weight))
        if global_context:
            self.pre_context = nn.Conv2d(in_channels, in_channels, 1)
            self.post_context = nn.Conv2d(out_channels, out_channels, 1)
        if use_deform:
            channels = 2 * self.kernel_size[0] * self.kernel_size[1]
            self.offset_s = nn.Conv2d(in_channels, channels, 3, self.stride, padding=1)
            self.offset_l = nn.Conv2d(in_channels, channels, 3, self.stride, padding=1)
        self.reset_to_identity()

    @torch.no_grad()
    def reset_to_identity(self) -> None:
        """Make the layer compute what the plain convolution with its weight does."""
        self.absorb_weight()
        self.weight_diff.zero_()
        for conv in self.children():
            constant_init(conv, 0)
        nn.init.ones_(self.switch.bias[:1])  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, O, Ho, Wo)``."""
        if self.global_context:
            x = x + self.pre_context(_global_average(x))
        if torch.is_grad_enabled() and not torch.jit.is_tracing():
            # Cheap to do again in the backward pass; its maps are as large as x.
            switch, offset_s, offset_l = checkpoint(
                self._read_surroundings, x, use_reentrant=False, preserve_rng_state=False
            )
        else:
            switch, offset_s, offset_l = self._read_surroundings(x)
        weight_s, weight_l = self._branch_weights()
        out_s = self._branch(x, weight_s, self.padding_s, self.dilation, offset_s, 's')
        out_l = self._branch(x, weight_l, self.padding_l, self.dilation_l, offset_l, 'l')
        if self.dual_switch:
            out = switch[:, :1] * out_s + switch[:, 1:] * out_l
        else:
            # lerp, so that a switch of 1 gives out_s to the last bit.
            out = torch.lerp(out_l, out_s, switch.to(out_s.dtype))
        if self.bias is not None:
            out = out + self.bias.view(-1, 1, 1)
        if self.global_context:
            out = out + self.post_context(_global_average(out))
        return out

    def _branch_weights(self) -> tuple[Tensor, Tensor]:
        """Return the weights of both branches, ``(O, C / groups, kh, kw)``."""
        weight = self.standardized_weight()
        return weight, weight + self.weight_diff if self.lock_weights else self.weight_diff

    def _surroundings_conv(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias that give switch and offsets in one convolution."""
        # A 1x1 convolution is a 3x3 one with zeros around it.
        weight = torch.cat(
            [F.pad(self.switch.weight, (1, 1, 1, 1)), self.offset_s.weight, self.offset_l.weight]
        )
        biases: list[Any] = [self.switch.bias, self.offset_s.bias, self.offset_l.bias]
        return weight, torch.cat(biases)

    def _read_surroundings(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return switch and offsets, computed from the local average by one convolution."""
        surroundings = local_average(x)
        if not self.use_deform:
            return self.switch(surroundings), None, None
        weight, bias = self._surroundings_conv()
        out = F.conv2d(surroundings, weight, bias, self.stride, padding=1)
        offsets = 2 * self.kernel_size[0] * self.kernel_size[1]
        switch, offset_s, offset_l = out.split([len(bias) - 2 * offsets, offsets, offsets], dim=1)
        return switch, offset_s, offset_l

    def _branch(
        self,
        x: Tensor,
        weight: Tensor,
        padding: tuple[int, int],
        dilation: tuple[int, int],
        offset: Tensor | None,
        branch: Literal['s', 'l'],
    ) -> Tensor:
        """Convolve at one atrous rate, ``(N, C, H, W)`` to ``(N, O, Ho, Wo)``."""
        if offset is None:
            return F.conv2d(
                x, weight.to(self.weight.dtype), None, self.stride, padding, dilation, self.groups
            )
        name = f'{self.layer_name}.offset_{branch}'
        return deform_conv2d(
            x, offset, weight, self.stride, padding, dilation, self.groups, layer_name=name
        )


def _global_average(x: Tensor) -> Tensor:
    """Average ``(N, C, H, W)`` over space to ``(N, C, 1, 1)``."""
    return F.adaptive_avg_pool2d(x, 1)
