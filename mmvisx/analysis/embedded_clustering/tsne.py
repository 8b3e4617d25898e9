"""Codes of a few points in the plane, at several times of a training (000, Figure 3.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.manifold import TSNE

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.embedded_clustering.charts import draw_embeddings

from .points import AssignedPoints

__all__ = ['CodeEmbedding', 'CodePlaces', 'draw_points']


class CodePlaces(NamedTuple):
    """Where the codes of some points lie at one time.

    Attributes:
        title: The time.
        accuracy: Of all points, not only those drawn; ``None`` without labels.
        points: Numbers of the points, ``(m,)``, the same at all times.
        places: ``(m, 2)``.
        groups: Class of each, its cluster without labels, ``(m,)``.
        names: Of the groups.
    """

    title: str
    accuracy: float | None
    points: np.ndarray
    places: np.ndarray
    groups: np.ndarray
    names: list[str]


def draw_points(count: int, most: int, seed: int) -> np.ndarray:
    """Return the numbers of some points, in order: all of them, or ``most`` by chance, ``(m,)``."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


@ANALYSES.register_module()
class CodeEmbedding:
    """Embed the codes of the same points by t-SNE, at each time anew.

    Args:
        count: Points.
        perplexity: Of t-SNE.
        seed: Of the choice and of t-SNE.

    Source: 000, Figure 3.5. The number of points and the perplexity are our choice.
    """

    def __init__(self, count: int = 2000, perplexity: float = 30.0, seed: int = 0) -> None:
        self.count, self.perplexity, self.seed = count, perplexity, seed

    def measure(self, times: Sequence[tuple[str, AssignedPoints]]) -> list[CodePlaces]:
        """Return a picture's points for each time.

        Args:
            times: What each is called, and all its points; the same ones in the same order.

        Raises:
            UserError: The times are of different points, or these are too few for the perplexity.
        """
        counts = sorted({len(points.q) for _, points in times})
        if len(counts) > 1:
            raise UserError(f'the checkpoints assign {counts} points: they must be of the same')
        chosen = draw_points(counts[0], self.count, self.seed)
        if len(chosen) <= self.perplexity:
            raise UserError(
                f'{len(chosen)} points are too few for perplexity={self.perplexity}: choose less'
            )
        return [self._at(title, points, chosen) for title, points in times]

    def _at(self, title: str, points: AssignedPoints, chosen: np.ndarray) -> CodePlaces:
        codes = points.codes.cpu().numpy()[chosen]
        places = TSNE(perplexity=self.perplexity, random_state=self.seed).fit_transform(codes)
        if points.labels is None:
            groups, names = points.clusters[chosen], points.names
        else:
            groups, names = points.labels[chosen], list(points.classes)
        return CodePlaces(title, points.accuracy, chosen, places, groups, names)

    def draw(
        self,
        times: Sequence[CodePlaces],
        out: str | Path,
        history: Sequence[Mapping[str, Any]] = (),
    ) -> Path:
        """Draw a panel for each time, and one of the accuracy over iterations.

        Args:
            times: Of :meth:`measure`.
            out: The picture; its suffix gives the format.
            history: Of :class:`mmvisx.DECTargetHook`; without, or without accuracies in it, there
                is no last panel.

        Raises:
            UserError: The suffix is unknown.
        """
        curve = [(at['iter'], at['acc']) for at in history if 'acc' in at]
        panels = [(_title(time), time.places, time.groups, time.names) for time in times]
        return draw_embeddings(panels, np.array(curve).reshape(-1, 2), out)


def _title(time: CodePlaces) -> str:
    said = '' if time.accuracy is None else f': accuracy {100 * time.accuracy:.1f} %'
    return f'{time.title}{said}'
