"""What label smoothing does to the scores (000, Figure 2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.progress import progress
from mmvisx.visualization.bag_of_tricks_label_smooth_gap import plot_gaps

__all__ = ['LabelSmoothGap', 'score_gap']


def score_gap(scores: Tensor) -> Tensor:
    """Return the highest score less the mean of the others, ``(N, K)`` to ``(N,)``."""
    high = scores.max(dim=1).values
    return high - (scores.sum(dim=1) - high) / (scores.shape[1] - 1)


@ANALYSES.register_module()
class LabelSmoothGap:
    """The gap between the highest score and the others.

    Args:
        epsilon: Whose theoretical gap is marked.
        mode: Of :func:`~mmvisx.models.losses.bag_of_tricks_label_smooth.smooth_labels`.

    Source: 000, Eq. 2.5 and Figure 2.4.
    """

    def __init__(self, epsilon: float = 0.1, mode: str = 'printed') -> None:
        self.epsilon = epsilon
        self.mode = mode

    @torch.no_grad()
    def measure(self, model: nn.Module, loader: Iterable[Any]) -> tuple[np.ndarray, int]:
        """Return the gap of every image, ``(N,)``, and the number of classes.

        Args:
            model: A classifier whose ``mode='tensor'`` gives scores before the softmax, in
                eval mode.
            loader: Batches for its data preprocessor.

        Raises:
            UserError: the model gives no scores.
        """
        gaps = []
        preprocess: Any = model.data_preprocessor
        for data in progress(loader, 'predicting', 'step'):
            scores = model(**preprocess(data, False), mode='tensor')
            if not isinstance(scores, Tensor) or scores.dim() != 2 or scores.shape[1] < 2:
                raise UserError(
                    f'{type(model).__name__} gives no scores (images, classes); the gap is one of '
                    'classifiers'
                )
            gaps.append(score_gap(scores.float()))
        return torch.cat(gaps).cpu().numpy(), scores.shape[1]

    def draw(self, gaps: Mapping[str, np.ndarray], num_classes: int, out: str | Path) -> Path:
        """Draw the theoretical gap over epsilon (a) and the measured distributions (b).

        Args:
            gaps: The measured gaps ``(N,)`` by the name of the model.
            num_classes: K.
            out: The picture; the suffix gives the format.
        """
        return plot_gaps(gaps, num_classes, out, self.epsilon, self.mode)
