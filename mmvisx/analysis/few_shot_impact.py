"""Which channels of an activation matter, to a predictor and to a classifier (001, Figure 2-5)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmvisx.ops.few_shot import channel_impact, top_overlap
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.figure import new_figure, save_figure

__all__ = ['Impact', 'ImpactResult']

SHOWN = 256  # rows and columns of the matrix


class ImpactResult(NamedTuple):
    """Impacts and their overlap.

    Attributes:
        predictor: Of each channel on the predictor, of unit length, ``(d,)``.
        classifier: On the classifier's weights, of unit length, ``(d,)``.
        overlap: Share of common channels among the k largest, ``(d,)`` for k = 1 to d.
        matrix: The predictor's, ``(d, d)``.
    """

    predictor: Tensor
    classifier: Tensor
    overlap: np.ndarray
    matrix: Tensor


@ANALYSES.register_module()
class Impact:
    """Compare the channels that a one-layer predictor and a classifier rely on.

    Source: 001, section 2.4.1.5, Eq. 2.7 and Figure 2-5.
    """

    def measure(self, matrix: Tensor, weight: Tensor) -> ImpactResult:
        """Return impacts and overlaps.

        Args:
            matrix: Of the one-layer predictor, ``(d, d)``.
            weight: Of the classifier, ``(K, d)``.

        Raises:
            UserError: They are of different widths.
        """
        matrix, weight = matrix.detach().float().cpu(), weight.detach().float().cpu()
        if matrix.shape[1] != weight.shape[1]:
            raise UserError(
                f'the predictor takes {matrix.shape[1]} channels, the classifier '
                f'{weight.shape[1]}: both must be of one network'
            )
        impacts = channel_impact(matrix), channel_impact(weight)
        counts = range(1, len(impacts[0]) + 1)
        overlap = np.array([top_overlap(*impacts, k) for k in counts])
        return ImpactResult(*impacts, overlap, matrix)

    def draw(self, result: ImpactResult, out: str | Path) -> Path:
        """Draw the matrix (its upper left part, logarithmic) and the overlap over k.

        The dashed line is what an order by chance gives, k/n: for the identity all impacts tie.
        """
        figure, (left, right) = new_figure(2)
        part = result.matrix[:SHOWN, :SHOWN].abs().clamp(min=1e-6)
        image = left.imshow(torch.log10(part).numpy(), cmap='viridis', interpolation='nearest')
        figure.colorbar(image, ax=left, label='log10 |weight|', fraction=0.046)
        left.set_xlabel('channel of the activation')
        left.set_ylabel('channel of the weights')
        n = len(result.overlap)
        counts = np.arange(1, n + 1)
        right.plot(counts, result.overlap, label='predictor and classifier')
        right.plot(counts, counts / n, '--', label='by chance (k / n)')
        right.set_xlabel('k')
        right.set_ylabel('overlap of the k largest impacts')
        right.set_ylim(0, 1.02)
        right.grid(alpha=0.3)
        right.legend(fontsize=8)
        return save_figure(figure, out)
