"""How many clusters points have, by what holds for points held out and from seed to seed.

Letters: n points, D values of a point, k clusters, s seeds, c numbers of clusters.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmvisx.datasets.features.embedded_clustering.subsets import split_rows
from mmvisx.evaluation.clustering import agreement, choose_count, count_scores, generalizability
from mmvisx.utils.errors import UserError
from mmvisx.utils.progress import progress

from .estimator import DeepClustering

__all__ = ['Counts', 'candidates', 'compare_counts']

SEEDS = 3
COUNTS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20)
# Of each cluster on average, with which it can be told from chance.
LEAST = 5
# Our choice: below it, what one seed puts together another one often parts.
AGREED = 0.5
FEWEST = 20  # points, of which three are held out


class Counts(NamedTuple):
    """Numbers of clusters and how good each is.

    Attributes:
        counts: Values of k, ascending.
        generalizability: G by seed and k, ``(s, c)``.
        agreements: Mean adjusted Rand index of the seeds' assignments, ``(c,)``.
    """

    counts: Sequence[int]
    generalizability: np.ndarray
    agreements: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """G times the agreement of each k, ``(c,)``."""
        return count_scores(self.generalizability, self.agreements)

    @property
    def chosen(self) -> int:
        """The k to take."""
        return self.counts[choose_count(self.scores)]

    @property
    def said(self) -> str:
        """Why, in a sentence."""
        place, best = choose_count(self.scores), int(self.scores.argmax())
        held = self.generalizability.clip(0, 1).mean(axis=0)[place]
        which = (
            'the best'
            if place == best
            else f'within 5 % of the best, {self.scores[best]:.2f} at k = {self.counts[best]}'
        )
        return (
            f'k = {self.chosen} of {", ".join(map(str, self.counts))}: the largest at which how '
            f'well clusters hold for pictures held out (G {held:.2f}) times how far '
            f'{len(self.generalizability)} seeds agree (ARI {self.agreements[place]:.2f}) is '
            f'{which}.'
        )

    @property
    def doubt(self) -> list[str]:
        """What speaks against every number of clusters, in plain words."""
        agreed = self.agreements[choose_count(self.scores)]
        if agreed >= AGREED:
            return []
        return [
            f'The seeds agree little (ARI {agreed:.2f} of 1): in what they are compared by, these '
            'pictures have no clear groups. Features of a trained network (--backbone, '
            '--checkpoint) may show some.'
        ]

    def plain(self) -> dict[str, Any]:
        """Return the numbers for a JSON file."""
        return dict(
            counts=list(self.counts),
            generalizability=self.generalizability.tolist(),
            agreements=self.agreements.tolist(),
            scores=self.scores.tolist(),
            chosen=self.chosen,
            said=self.said,
        )


def candidates(points: int) -> list[int]:
    """Return the numbers of clusters to compare for so many distinct points.

    Raises:
        UserError: They are too few to hold some out.
    """
    if points < FEWEST:
        raise UserError(
            f'--k auto compares clusters on pictures held out and needs {FEWEST} different ones, '
            f'here are {points}: name a number'
        )
    return [k for k in COUNTS if k <= points // LEAST]


def compare_counts(
    vectors: np.ndarray, counts: Sequence[int], settings: Mapping[str, Any], seed: int = 0
) -> Counts:
    """Cluster points into each number of clusters by three seeds.

    Each seed holds out other points and has an autoencoder of its own for all k. P of points held
    out takes the frequencies of the others: a few points have none of their own to speak of.

    Args:
        vectors: ``(n, D)``.
        counts: Values of k, ascending.
        settings: Of :class:`mmvisx.apis.DeepClustering`.
        seed: The first of the three.

    Source: 000, section 3.5.5 (G). The agreement of the seeds is not in the document.
    """
    losses = np.zeros((SEEDS, len(counts)))
    clusters = np.zeros((len(counts), SEEDS, len(vectors)), np.int64)
    with tempfile.TemporaryDirectory() as folder:
        shown = progress(_steps(len(counts)), 'comparing numbers of clusters', 'clustering')
        for one, place in shown:
            settings_one = dict(settings, random_state=seed + one)
            if not place:
                train, held_out = split_rows(len(vectors), seed=seed + one)
                path = Path(folder) / f'{one}.pth'
                shared = DeepClustering(2, **settings_one).pretrain(vectors[train], path)
            model = DeepClustering(counts[place], **{**settings_one, **shared})
            model.fit(vectors[train])
            q = model.predict_proba(vectors)
            losses[one, place] = generalizability(q[train], q[held_out], True)
            clusters[place, one] = q.argmax(axis=1)
    return Counts(list(counts), losses, np.array([agreement(each) for each in clusters]))


def _steps(counts: int) -> list[tuple[int, int]]:
    """Return the place of the seed and of k in the order of the work."""
    return [(one, place) for one in range(SEEDS) for place in range(counts)]
