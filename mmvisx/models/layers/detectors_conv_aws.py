"""Convolution with adaptive weight standardisation."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvAWS2d as MMCVConvAWS2d
from torch import Tensor

from mmvisx.registry import MODELS

__all__ = ['ConvAWS2d']


def no_autocast(device: torch.device) -> AbstractContextManager:
    """Return a context without mixed precision on a device, which the meta device never has."""
    if device.type == 'meta':
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


@MODELS.register_module()
class ConvAWS2d(MMCVConvAWS2d):
    """Convolve with ``gamma * (w - mean(w)) / sqrt(var(w) + 1e-5) + beta``.

    Mean and unbiased variance are taken per output channel. ``weight_gamma`` and
    ``weight_beta`` are buffers ``(O, 1, 1, 1)``; :meth:`absorb_weight` sets them from
    the weight, so that the layer computes what a plain convolution with that weight
    does. A state dict without them absorbs its own weight.

    Source: 001, chapter 6, of which the text does not mention the standardisation;
    the authors' code does. Differs from mmcv's layer: the buffers follow the initial
    weight instead of staying at (1, 0), which blows activations up by the square root
    of the fan-in; the standardisation runs in float32 under mixed precision.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.absorb_weight()

    @torch.no_grad()
    def absorb_weight(self) -> None:
        """Set gamma and beta so that the standardised weight equals the weight."""
        flat = self.weight.flatten(1).float()
        shape = self.weight_gamma.shape
        self.weight_gamma.copy_((flat.var(dim=1) + 1e-5).sqrt().view(shape))
        self.weight_beta.copy_(flat.mean(dim=1).view(shape))

    def standardized_weight(self) -> Tensor:
        """Return the weight that the convolution uses, ``(O, C / groups, kh, kw)``."""
        # Batch normalisation of one "image" with a pixel per weight, which is one fused
        # operation each way. It divides by the biased variance; n / (n - 1) of it is the
        # unbiased one.
        n = self.weight[0].numel()
        bessel = (n - 1) / n
        with no_autocast(self.weight.device):
            dtype = torch.promote_types(self.weight.dtype, torch.float32)
            flat = F.batch_norm(
                self.weight.to(dtype).flatten(1).unsqueeze(0),
                None,
                None,
                self.weight_gamma.to(dtype).flatten() * bessel**0.5,
                self.weight_beta.to(dtype).flatten(),
                training=True,
                momentum=0.0,
                eps=1e-5 * bessel,
            )
        return flat.view_as(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, O, Ho, Wo)``."""
        weight = self.standardized_weight().to(self.weight.dtype)
        return self._conv_forward(x, weight, self.bias)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load, and derive the buffers where the state dict has a weight but not them."""
        derived = [prefix + name for name in ('weight_gamma', 'weight_beta')]
        absorb = prefix + 'weight' in state_dict and not any(k in state_dict for k in derived)
        missing: list[str] = []
        # mmcv's own method guesses from values; the plain one loads what is there.
        torch.nn.Conv2d._load_from_state_dict(
            self, state_dict, prefix, local_metadata, strict, missing, unexpected_keys, error_msgs
        )
        if absorb:
            self.absorb_weight()
            missing = [key for key in missing if key not in derived]
        missing_keys.extend(missing)
