"""What label smoothing does to the scores (000, Figure 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor, nn
from tqdm import tqdm

from mmvisx.models.losses.bag_of_tricks_label_smooth import optimal_gap
from mmvisx.utils.errors import UserError
from mmvisx.visualization.figure import new_figure, save_figure

__all__ = ['collect_gaps', 'plot_gaps', 'score_gap']


def score_gap(scores: Tensor) -> Tensor:
    """Return the highest score less the mean of the others, ``(N, K)`` to ``(N,)``."""
    high = scores.max(dim=1).values
    return high - (scores.sum(dim=1) - high) / (scores.shape[1] - 1)


@torch.no_grad()
def collect_gaps(model: nn.Module, cfg: Config) -> tuple[np.ndarray, int]:
    """Return the gap of every test image of a config, ``(N,)``, and the number of classes.

    Args:
        model: A classifier whose ``mode='tensor'`` gives scores before the softmax, in eval
            mode.

    Raises:
        UserError: the config has no test data, or the model gives no scores.
    """
    if cfg.get('test_dataloader') is None:
        raise UserError('the config has no test_dataloader to take images from')
    gaps = []
    preprocess: Any = model.data_preprocessor
    for data in tqdm(Runner.build_dataloader(cfg.test_dataloader), unit='batch'):
        scores = model(**preprocess(data, False), mode='tensor')
        if not isinstance(scores, Tensor) or scores.dim() != 2 or scores.shape[1] < 2:
            raise UserError(
                f'{type(model).__name__} gives no scores (images, classes); the gap is one of '
                'classifiers'
            )
        gaps.append(score_gap(scores.float()))
    return torch.cat(gaps).cpu().numpy(), scores.shape[1]


def plot_gaps(
    gaps: Mapping[str, np.ndarray],
    num_classes: int,
    out: str | Path,
    epsilon: float = 0.1,
    mode: str = 'printed',
) -> Path:
    """Draw the theoretical gap over epsilon (a) and the measured distributions (b).

    Args:
        gaps: The measured gaps by the name of the model.
        num_classes: K.
        out: The picture; the suffix gives the format.
        epsilon: Whose theoretical gap is marked in both panels.
        mode: Of :func:`~mmvisx.models.losses.bag_of_tricks_label_smooth.smooth_labels`.
    """
    theory = optimal_gap(epsilon, num_classes, mode)
    figure, (left, right) = new_figure(2)
    # From the end on, all classes are wanted with the same score.
    end = (num_classes - 1) / num_classes if mode == 'printed' else 1.0
    grid = np.linspace(0.002, end, 400)
    left.plot(grid, [optimal_gap(e, num_classes, mode) for e in grid])
    if np.isfinite(theory):
        left.plot([epsilon], [theory], 'o', label=f'eps = {epsilon:g}: {theory:.2f}')
        right.axvline(theory, color='black', linestyle='--', label=f'theory: {theory:.2f}')
        left.legend(fontsize=8)
    left.set_xlabel('epsilon')
    left.set_ylabel(f'theoretical gap, K = {num_classes}')
    bins = np.histogram_bin_edges(np.concatenate(list(gaps.values())), 60)
    for name, values in gaps.items():
        right.hist(values, bins, density=True, alpha=0.5, label=name)
    right.set_xlabel('highest score less the mean of the others')
    right.set_ylabel('density')
    right.legend(fontsize=8)
    for axis in (left, right):
        axis.grid(alpha=0.3)
    return save_figure(figure, out)
