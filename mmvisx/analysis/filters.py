"""A network's first filters (004, slide 58)."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar
from mmvisx.visualization.filters import draw_filters

__all__ = ['Filters', 'find_convolution', 'sees_bgr']


@ANALYSES.register_module()
class Filters:
    """The filters of a convolution.

    Args:
        layer: Its name; the first by default.
        columns: Filters in a row of the picture.
        scale: Pixels of a weight; 8 or, of few filters, more.

    Source: 004, slide 58.
    """

    def __init__(
        self, layer: str | None = None, columns: int = 8, scale: int | None = None
    ) -> None:
        self.layer = layer
        self.columns = columns
        self.scale = scale

    def measure(self, model: nn.Module) -> tuple[str, Tensor, bool]:
        """Return name and weight ``(N, C, h, w)``, and whether the first of its inputs is blue.

        Raises:
            UserError: the model has no convolution, or none of that name.
        """
        return *find_convolution(model, self.layer), sees_bgr(model)

    def draw(self, weight: Tensor, bgr: bool = False) -> np.ndarray:
        """Draw filters ``(N, C, h, w)`` (:func:`~mmvisx.visualization.filters.draw_filters`)."""
        return draw_filters(weight, self.columns, self.scale, bgr)


def find_convolution(model: nn.Module, name: str | None = None) -> tuple[str, Tensor]:
    """Return name and weight ``(N, C, h, w)`` of a 2-D convolution, by default of the first.

    Raises:
        UserError: the model has no convolution, or none of that name.
    """
    found = {
        key: weight
        for key, module in model.named_modules()
        if isinstance(weight := getattr(module, 'weight', None), Tensor) and weight.dim() == 4
    }
    if not found:
        raise UserError(f'{type(model).__name__} has no convolution, so no filters to show')
    chosen = next(iter(found)) if name is None else name
    if chosen not in found:
        raise UserError(f'--layer {name!r} is no convolution{similar(chosen, found)}')
    return chosen, found[chosen].detach()


def sees_bgr(model: nn.Module) -> bool:
    """Whether the first of the three colour channels that the network sees is blue."""
    preprocess: Any = getattr(model, 'data_preprocessor', None)
    flags = ('to_rgb', '_channel_conversion')  # mmpretrain's, MMEngine's
    return not any(getattr(preprocess, flag, False) for flag in flags)
