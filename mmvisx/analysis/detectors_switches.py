"""What the switches of SAC do (001, Figure 6-8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmcv.ops import SAConv2d
from torch import Tensor, nn

from mmvisx.models.layers.detectors_sac import SwitchableAtrousConv2d, local_average
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.detectors_switches import draw_row

__all__ = ['SwitchMaps', 'large_rate_share', 'last_sacs', 'record_switches']


@ANALYSES.register_module()
class SwitchMaps:
    """Where a DetectoRS takes more from its larger atrous rate.

    Args:
        backbone: Whose switches, as in :func:`last_sacs`.
        stretch: Whether each map's lowest and highest value are drawn white and black.
        height: Of the pictures, in pixels.

    Source: 001, Figure 6-8.
    """

    def __init__(
        self, backbone: str | None = None, stretch: bool = True, height: int = 240
    ) -> None:
        self.backbone = backbone
        self.stretch = stretch
        self.height = height

    def measure(
        self, model: nn.Module, run: Callable[[], Any]
    ) -> tuple[dict[str, np.ndarray], Any]:
        """Return the maps of :func:`record_switches` by stage, and what ``run`` returns.

        Args:
            model: A detector with SAC.
            run: Makes it predict on one image.

        Raises:
            UserError: there is no SAC, or no such backbone.
        """
        with record_switches(model, self.backbone) as maps:
            result = run()
        return maps, result

    def draw(
        self, image: np.ndarray, maps: Mapping[str, np.ndarray], detections: np.ndarray
    ) -> np.ndarray:
        """Draw image, maps and detections in one row, RGB (``visualization.detectors_switches``).

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            maps: What :meth:`measure` returned.
            detections: The image with what was detected, ``(H, W, 3)`` uint8 RGB.
        """
        return draw_row(image, maps, detections, self.stretch, self.height)


@torch.no_grad()
def large_rate_share(conv: Any, x: Tensor) -> Tensor:
    """Return how much a SAC takes from its larger atrous rate, ``(N, C, H, W)`` to ``(N, Ho, Wo)``.

    With the factors ``a`` and ``b`` of the small and the large rate (``S`` and ``1 - S``, or the
    two switches of 'SAC - DCN + DS') it is ``|b| / (|a| + |b|)``: in [0, 1] although no sigmoid
    bounds the factors, and ``1 - S`` where ``S`` is in [0, 1]. Where both are 0 it is 0.5.
    """
    if getattr(conv, 'global_context', True):
        x = x + conv.pre_context(x.mean((2, 3), keepdim=True))
    switch = conv.switch(local_average(x)).float()
    small = switch[:, 0].abs()
    large = (switch[:, 1] if switch.shape[1] == 2 else 1 - switch[:, 0]).abs()
    total = small + large
    return torch.where(total > 0, large / total, 0.5)


def last_sacs(model: nn.Module, backbone: str | None = None) -> dict[str, nn.Module]:
    """Return ``{stage: last SAC of that stage}`` of one backbone of a detector.

    Args:
        backbone: ``'backbone'``, ``'neck.rfp_modules.0'``, ...; by default the one that the
            detector runs last, whose features it uses.

    Raises:
        UserError: there is no SAC, or no such backbone.
    """
    found: dict[str, dict[str, nn.Module]] = {}
    for name, module in model.named_modules():
        if isinstance(module, SwitchableAtrousConv2d | SAConv2d):
            *owner, stage, _, _ = name.split('.')  # backbone.layer4.2.conv2
            found.setdefault('.'.join(owner), {})[stage] = module
    if not found:
        raise UserError('the model has no switchable atrous convolution, so no switches to show')
    if backbone is None:
        backbone = list(found)[-1]
    if backbone not in found:
        raise UserError(f'{backbone!r} has no switches; backbones that have: {", ".join(found)}')
    return found[backbone]


@contextmanager
def record_switches(
    model: nn.Module, backbone: str | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """Yield a dict that each forward pass fills with the maps of its first image.

    The values are those of :func:`large_rate_share`, float32 ``(h, w)``, without the padding of
    the batch, by the name of the stage. A backbone that runs several times leaves the maps of
    its last run.
    """
    maps: dict[str, np.ndarray] = {}
    valid = [1.0, 1.0]  # parts of the padded height and width that are image

    def remember_padding(_: nn.Module, __: Any, data: Any) -> None:
        padded = data['inputs'].shape[-2:]
        shape = data['data_samples'][0].img_shape
        valid[:] = [shape[0] / padded[0], shape[1] / padded[1]]

    def remember_switch(stage: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(conv: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            share = large_rate_share(conv, inputs[0][:1])[0].cpu().numpy()
            height, width = (round(s * part) for s, part in zip(share.shape, valid, strict=True))
            maps[stage] = share[: max(height, 1), : max(width, 1)]

        return hook

    handles = [
        conv.register_forward_pre_hook(remember_switch(stage))
        for stage, conv in last_sacs(model, backbone).items()
    ]
    preprocessor = getattr(model, 'data_preprocessor', None)
    if preprocessor is not None:
        handles.append(preprocessor.register_forward_hook(remember_padding))
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
