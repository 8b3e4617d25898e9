"""N-way K-shot accuracy over tasks drawn from a bank, with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mmvisx.utils.errors import UserError

__all__ = ['Episode', 'EpisodeAccuracy', 'draw_episodes']

# Scores (queries, ways) of support activations (ways, shots, d) and queries (queries, d).
Classify = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Episode(NamedTuple):
    """A task.

    Attributes:
        support: Rows of the samples that are given, ``(ways, shots)``.
        queries: Rows of the images that are asked for, ``(Q,)``: all others of these classes.
        labels: Their classes, ``(Q,)``, from 0 to ways - 1.
    """

    support: np.ndarray
    queries: np.ndarray
    labels: np.ndarray


def draw_episodes(
    labels: np.ndarray, ways: int, shots: int, tasks: int, seed: int = 0
) -> Iterator[Episode]:
    """Draw tasks; no query of a task is one of its samples.

    Args:
        labels: Class of each row, ``(N,)``.
        ways: Classes a task.
        shots: Samples a class.
        tasks: Number of tasks.
        seed: Of the draws.

    Raises:
        UserError: There are fewer classes than ways, or a class has no more images than shots.

    Source: 001, section 2.4.2.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if not 1 <= ways <= len(classes):
        raise UserError(f'ways={ways}: there are {len(classes)} classes')
    if not 1 <= shots < counts.min():
        raise UserError(
            f'shots={shots}: class {classes[counts.argmin()]} has {counts.min()} images, and one '
            'at least must be left to be asked for'
        )
    rows = {k: np.flatnonzero(labels == k) for k in classes}
    rng = np.random.default_rng(seed)
    for _ in range(tasks):
        shuffled = [rng.permutation(rows[k]) for k in rng.choice(classes, ways, replace=False)]
        queries = [r[shots:] for r in shuffled]
        yield Episode(
            np.stack([r[:shots] for r in shuffled]),
            np.concatenate(queries),
            np.repeat(np.arange(ways), [len(q) for q in queries]),
        )


class EpisodeAccuracy:
    """Mean accuracy over tasks in percent, with its 95 % interval.

    Args:
        ways: Classes a task.
        shots: Samples a class.
        tasks: Number of tasks.
        seed: Of the draws.

    Source: 001, Table 2-III. Differs from the authors' code, whose queries with five samples
    begin with one of them.
    """

    def __init__(self, ways: int = 5, shots: int = 1, tasks: int = 1000, seed: int = 0) -> None:
        self.ways, self.shots, self.tasks, self.seed = ways, shots, tasks, seed

    def __call__(
        self, activations: np.ndarray, labels: np.ndarray, classify: Classify
    ) -> dict[str, float]:
        """Return ``accuracy``, ``interval`` (half its width) and ``deviation`` over tasks.

        Args:
            activations: ``(N, d)``.
            labels: ``(N,)``.
            classify: Scores ``(Q, ways)`` from support ``(ways, shots, d)`` and queries ``(Q, d)``.
        """
        rates = []
        for episode in draw_episodes(labels, self.ways, self.shots, self.tasks, self.seed):
            scores = classify(activations[episode.support], activations[episode.queries])
            rates.append(100 * float((scores.argmax(axis=1) == episode.labels).mean()))
        deviation = float(np.std(rates, ddof=1)) if len(rates) > 1 else 0.0
        interval = 1.96 * deviation / len(rates) ** 0.5
        return dict(accuracy=float(np.mean(rates)), interval=interval, deviation=deviation)
