"""Pictures of what the switches of SAC do (001, Figure 6-8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.ops import SAConv2d
from torch import Tensor, nn

from mmvisx.models.layers.detectors_sac import SwitchableAtrousConv2d, local_average
from mmvisx.utils.errors import UserError

_LABEL = 26  # height of the line above a panel, in pixels
_GAP = 6


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


def shade(share: np.ndarray, size: tuple[int, int], stretch: bool = True) -> np.ndarray:
    """Turn a map in [0, 1] into a grey picture, ``(h, w)`` to ``(height, width, 3)`` uint8.

    Darker means more of the larger atrous rate, as in Figure 6-8. With ``stretch`` the map's
    own lowest and highest values become white and black, so that small differences show and
    maps cannot be compared; without it they are 0 and 1.

    Args:
        size: Width and height.
    """
    low, high = (float(share.min()), float(share.max())) if stretch else (0.0, 1.0)
    # Differences of rounding are none.
    level = (share - low) / (high - low) if high - low > 1e-6 else np.zeros_like(share)
    grey = np.rint(255 * (1 - level)).astype(np.uint8)
    return cv2.cvtColor(cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2RGB)


def draw_switches(
    inferencer: Any,
    image: np.ndarray,
    backbone: str | None = None,
    score_thr: float = 0.3,
    stretch: bool = True,
    height: int = 240,
) -> np.ndarray:
    """Draw the image, the switches of every stage with SAC and the detections in one row.

    Args:
        inferencer: An :class:`mmvisx.apis.Inferencer`.
        image: ``(H, W, 3)`` uint8 BGR.
        backbone: As in :func:`last_sacs`.
        score_thr: Lowest score that is drawn.
        stretch: As in :func:`shade`; the numbers above a map are its lowest and highest value.
        height: Of the pictures, in pixels.

    Returns:
        ``(height + label, W', 3)`` uint8 RGB.
    """
    with record_switches(inferencer.model, backbone) as maps:
        result = inferencer(image, return_vis=True, pred_score_thr=score_thr)
    size = (max(1, round(image.shape[1] * height / image.shape[0])), height)
    panels = [('image', cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_AREA))]
    for stage, share in maps.items():
        label = f'{stage}: {share.min():.2f} to {share.max():.2f}'
        panels.append((label, shade(share, size, stretch)))
    drawn = cv2.resize(result['visualization'][0], size, interpolation=cv2.INTER_AREA)
    panels.append(('detections', drawn))
    return np.concatenate([_with_label(*panel) for panel in panels], axis=1)


def _with_label(text: str, picture: np.ndarray) -> np.ndarray:
    canvas = np.full((picture.shape[0] + _LABEL, picture.shape[1] + _GAP, 3), 255, np.uint8)
    canvas[_LABEL:, :-_GAP] = picture
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (width, _), _ = cv2.getTextSize(text, font, scale, 1)
    scale *= min(1.0, (picture.shape[1] - 4) / width)
    cv2.putText(canvas, text, (2, _LABEL - 9), font, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas
